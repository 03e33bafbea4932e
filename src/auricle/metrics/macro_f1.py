"""Mean of the classes' F1 scores, the harmonic mean of precision and recall."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.metrics._truth import chosen, hot

Real = NDArray[np.floating[Any]]


class MacroF1:
    """Mean of the classes' F1 scores, over the classes that are true or named for at least one clip.

    Args:
        threshold: least probability that names a class, where any number of classes may hold.
    """

    kinds = ("single", "multi")
    better = "higher"

    def __init__(self, *, threshold: float = 0.5) -> None:
        self.threshold: float | Real = threshold

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The mean F1.

        Args:
            probabilities: [R, K].
            truth: [R] class indices, or [R, K] multi-hot.

        Returns:
            0 to 1; 0 where nothing is true and nothing named.
        """
        from sklearn.metrics import f1_score

        true, named = hot(truth, probabilities.shape[1]), chosen(probabilities, truth, self.threshold)
        seen = (true | named).any(axis=0)
        if not seen.any():
            return 0.0
        each = f1_score(true[:, seen].astype(int), named[:, seen].astype(int), average=None, zero_division=0.0)
        return float(np.mean(each))

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean F1 of each resample of the clips, over the classes true or named in it.

        Args:
            probabilities: [R, K].
            truth: [R] class indices, or [R, K] multi-hot.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] 0 to 1.
        """
        true, named = hot(truth, probabilities.shape[1]), chosen(probabilities, truth, self.threshold)
        hits = (true & named).T.astype(np.float32) @ weights  # [K, B]
        marks = (true.T.astype(np.float32) + named.T.astype(np.float32)) @ weights
        seen = marks > 0
        with np.errstate(invalid="ignore", divide="ignore"):
            f1 = np.where(seen, 2 * hits.astype(np.float64) / marks, 0.0)
        return np.asarray(f1.sum(axis=0) / np.maximum(seen.sum(axis=0), 1))
