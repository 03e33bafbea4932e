"""Jensen-Shannon divergence of the probabilities from how annotators divide, in bits: 0 where the same, 1 where nothing is shared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]


class JensenShannon:
    """Mean over the clips of the Jensen-Shannon divergence (Lin 1991, equation 3.4, of two equal weights), not its root."""

    kinds = ("distribution",)
    better = "lower"

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The mean divergence.

        Args:
            probabilities: [R, K] rows that sum to 1.
            truth: [R, K] shares of the annotators' votes, rows that sum to 1.

        Returns:
            0 to 1, bits.
        """
        return float(self._each(probabilities, truth).mean())

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean divergence of each resample of the clips.

        Args:
            probabilities: [R, K] rows that sum to 1.
            truth: [R, K] shares of the annotators' votes.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] 0 to 1, bits.
        """
        return np.asarray(self._each(probabilities, truth) @ weights.astype(np.float64) / weights.sum(axis=0, dtype=np.float64))

    def _each(self, probabilities: Real, truth: NDArray[np.generic]) -> NDArray[np.float64]:
        p, q = probabilities.astype(np.float64), truth.astype(np.float64)
        middle = (p + q) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = [np.where(x > 0, x * np.log2(x / middle), 0.0) for x in (p, q)]
        return np.asarray(np.maximum((parts[0] + parts[1]).sum(axis=1) / 2, 0.0))
