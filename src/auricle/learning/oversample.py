"""More embeddings of rare classes, made from those there are: SMOTE and its kin, by imbalanced-learn.

Only ever inside a training fold, and on embeddings of fixed length: points between spectrograms are no sound (Chawla et al. 2002).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from auricle.errors import MissingExtraError

Oversampling = Literal["", "random", "smote", "borderline_smote", "adasyn"]

_NEIGHBOURS = 5


def oversample(
    rows: NDArray[np.float32], truth: NDArray[np.integer[Any]], how: Oversampling, *, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.integer[Any]]]:
    """Rows until every class has as many as the most frequent.

    A class with a single row has nothing to interpolate between, and stays as it is.

    Args:
        rows: [R, E] embeddings.
        truth: [R] class indices.
        how: "random" repeats rows; "smote" interpolates between neighbours of a class; "borderline_smote" only where others are near;
            "adasyn" the more, the more others are near.
        seed: the only source of chance.

    Returns:
        [S, E] and [S], the rows that were given first.

    Raises:
        MissingExtraError: imbalanced-learn is not installed.
    """
    present, counts = np.unique(truth, return_counts=True)
    few = {int(k): int(n) for k, n in zip(present, counts, strict=True) if 1 < n < counts.max()}
    if not how or not few:
        return rows, truth
    try:
        from imblearn import over_sampling
    except ImportError as error:
        raise MissingExtraError(f"transfer.oversample={how}", "imbalance") from error
    near = min(_NEIGHBOURS, min(few.values()) - 1)
    wanted = dict.fromkeys(few, int(counts.max()))
    if how == "random":
        sampler: Any = over_sampling.RandomOverSampler(sampling_strategy=wanted, random_state=seed)
    elif how == "adasyn":
        sampler = over_sampling.ADASYN(sampling_strategy=wanted, random_state=seed, n_neighbors=near)
    else:
        kind = over_sampling.SMOTE if how == "smote" else over_sampling.BorderlineSMOTE
        sampler = kind(sampling_strategy=wanted, random_state=seed, k_neighbors=near)
    try:
        more, named = sampler.fit_resample(rows, truth)
    except (ValueError, RuntimeError):
        if how != "adasyn":
            raise
        return rows, truth  # no class has others near it: there is nothing to be told apart better
    return more.astype(np.float32), named
