"""Mean of the classes' recalls (unweighted average recall, UAR): every class counts the same, however rare."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.metrics._truth import hot, mean_of_present

Real = NDArray[np.floating[Any]]


class BalancedAccuracy:
    """Mean of the classes' recalls. A class without a true clip has no recall, and is left out of the mean."""

    kinds = ("single",)
    better = "higher"

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The mean recall.

        Args:
            probabilities: [R, K].
            truth: [R] class indices.

        Returns:
            0 to 1; a model that knows nothing reaches 1/K.
        """
        from sklearn.metrics import recall_score

        present = np.unique(truth)
        return float(recall_score(truth, probabilities.argmax(axis=1), labels=present, average="macro", zero_division=0.0))

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean recall of each resample of the clips, over the classes it holds.

        Args:
            probabilities: [R, K].
            truth: [R] class indices.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] 0 to 1.
        """
        true = hot(truth, probabilities.shape[1])
        right = probabilities.argmax(axis=1) == truth
        support = true.T.astype(np.float32) @ weights  # [K, B]
        hits = (true & right[:, None]).T.astype(np.float32) @ weights
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = (hits / support).astype(np.float64)
        return mean_of_present(recall)
