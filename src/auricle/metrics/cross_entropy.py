"""Cross entropy of the probabilities to how annotators divide, in nats; where they are met, it is the annotators' own entropy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]
_LEAST = 1e-7  # one vote for what a model gave no chance at all is not infinitely bad


class CrossEntropy:
    """Mean over the clips of -Σ share · ln probability; a probability below 1e-7 counts as that."""

    kinds = ("distribution",)
    better = "lower"

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The mean cross entropy.

        Args:
            probabilities: [R, K] rows that sum to 1.
            truth: [R, K] shares of the annotators' votes, rows that sum to 1.

        Returns:
            0 to 16.1, nats.
        """
        return float(self._each(probabilities, truth).mean())

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean cross entropy of each resample of the clips.

        Args:
            probabilities: [R, K] rows that sum to 1.
            truth: [R, K] shares of the annotators' votes.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] nats.
        """
        return np.asarray(self._each(probabilities, truth) @ weights.astype(np.float64) / weights.sum(axis=0, dtype=np.float64))

    def _each(self, probabilities: Real, truth: NDArray[np.generic]) -> NDArray[np.float64]:
        each: NDArray[np.float64] = -(truth.astype(np.float64) * np.log(np.maximum(probabilities.astype(np.float64), _LEAST))).sum(axis=1)
        return each
