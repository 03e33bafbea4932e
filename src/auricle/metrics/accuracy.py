"""Share of clips whose most probable class is the true one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]


class Accuracy:
    """Share of clips whose most probable class is the true one; large classes count for more than small ones."""

    kinds = ("single",)
    better = "higher"

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The share.

        Args:
            probabilities: [R, K].
            truth: [R] class indices.

        Returns:
            0 to 1.
        """
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(truth, probabilities.argmax(axis=1)))

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The share in each resample of the clips.

        Args:
            probabilities: [R, K].
            truth: [R] class indices.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] 0 to 1.
        """
        right = (probabilities.argmax(axis=1) == truth).astype(np.float32)
        return np.asarray((right @ weights).astype(np.float64) / weights.sum(axis=0, dtype=np.float64))
