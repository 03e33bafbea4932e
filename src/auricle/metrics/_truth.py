"""Probabilities and truths in the shapes the figures work on, checked once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.errors import DataError, ShapeError

Real = NDArray[np.floating[Any]]
Truth = NDArray[np.generic]


def check(probabilities: Real, truth: Truth) -> None:
    """Refuses what no figure can be computed from.

    Args:
        probabilities: [R, K] one row a clip.
        truth: [R] class indices, or [R, K] multi-hot.

    Raises:
        ShapeError: the two do not fit together.
        DataError: there is no row, a probability is not finite, or an index is not a class.
    """
    if probabilities.ndim != 2 or truth.shape not in {probabilities.shape[:1], probabilities.shape}:
        raise ShapeError(
            f"probabilities {list(probabilities.shape)} and truth {list(truth.shape)} do not fit; wanted [R, K] and [R] or [R, K]"
        )
    if not len(probabilities):
        raise DataError("there are no clips to score; wanted at least one")
    if not np.isfinite(probabilities).all():
        rows = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
        raise DataError(f"{len(rows)} of {len(probabilities)} rows of probabilities are not finite, the first is row {rows[0]}")
    if truth.ndim == 1 and (truth.astype(np.int64).min() < 0 or truth.astype(np.int64).max() >= probabilities.shape[1]):
        raise DataError(f"truth holds class {truth.max()}, but probabilities have {probabilities.shape[1]} columns")


def hot(truth: Truth, classes: int) -> NDArray[np.bool_]:
    """Which classes hold for each clip.

    Args:
        truth: [R] class indices, or [R, K] multi-hot (anything above one half holds).
        classes: K.

    Returns:
        [R, K].

    >>> hot(np.array([1, 0]), 2).tolist()
    [[False, True], [True, False]]
    """
    if truth.ndim == 2:
        return np.asarray(truth.astype(np.float64) > 0.5)
    return np.asarray(truth.astype(np.int64)[:, None] == np.arange(classes))


def chosen(probabilities: Real, truth: Truth, threshold: float | Real = 0.5) -> NDArray[np.bool_]:
    """Which classes the model names for each clip.

    Args:
        probabilities: [R, K].
        truth: [R] where exactly one class is named (the most probable, the first of equals);
            [R, K] where each at or above the threshold is.
        threshold: least probability that names a class, where any number may hold; one for all, [K] or [R, K].

    Returns:
        [R, K].
    """
    if truth.ndim == 2:
        return np.asarray(probabilities >= threshold)
    return hot(probabilities.argmax(axis=1), probabilities.shape[1])


def mean_of_present(each: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the classes that have a figure.

    Args:
        each: [K, B] a figure of each class in each resample; NaN where the class has none.

    Returns:
        [B]; NaN where no class has one.

    >>> mean_of_present(np.array([[1.0, np.nan], [0.5, np.nan]])).tolist()
    [0.75, nan]
    """
    held = np.isfinite(each)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(held, each, 0.0).sum(axis=0) / held.sum(axis=0))
