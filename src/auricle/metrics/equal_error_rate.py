"""Error rate at the threshold where as many positives are missed as negatives are let through, mean over the classes.

The ROC curve is joined by straight lines between its points, as in speaker verification; ties are one point.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.metrics._ranks import stretches
from auricle.metrics._truth import hot, mean_of_present

Real = NDArray[np.floating[Any]]


class EqualErrorRate:
    """Mean over the classes of the equal error rate; a class that is true for no clip, or for all, has none and is left out."""

    kinds = ("multi",)
    better = "lower"

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The mean rate.

        Args:
            probabilities: [R, K]; only each column's order counts.
            truth: [R, K] multi-hot, or [R] class indices.

        Returns:
            0 to 1; NaN where no class has both a clip that is and one that is not.
        """
        return float(self.resampled(probabilities, truth, np.ones((len(truth), 1), np.float32))[0])

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean rate of each resample of the clips, over the classes that have one in it.

        Args:
            probabilities: [R, K].
            truth: [R, K] multi-hot, or [R] class indices.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] 0 to 1; NaN where a resample has no rate at all.
        """
        true = hot(truth, probabilities.shape[1])
        return mean_of_present(np.stack([_rates(probabilities[:, k], true[:, k], weights) for k in range(true.shape[1])]))


def _rates(scores: Real, positive: NDArray[np.bool_], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """[B] rates: misses equal false alarms where hits + false alarms = 1, and that sum only grows as the threshold falls."""
    all_before, all_at, true_above, true_at = stretches(scores, positive, weights)
    if not len(true_at):
        return np.full(weights.shape[1], np.nan)
    total = true_above[-1]
    rest = weights.sum(axis=0, dtype=np.float64) - total
    with np.errstate(invalid="ignore", divide="ignore"):
        hits, alarms = true_above / total, (all_at - true_above) / rest
        # A billionth less than 1 keeps a sum that is 1 up to rounding from being stepped over.
        level = np.minimum((hits + alarms < 1 - 1e-9).sum(axis=0), len(hits) - 1)  # [B]
        at = level, np.arange(weights.shape[1])
        hits_before = (true_above[at] - true_at[at]) / total
        alarms_before = (all_before[at] - true_above[at] + true_at[at]) / rest
        share = (1 - hits_before - alarms_before) / (hits[at] + alarms[at] - hits_before - alarms_before)
        tied = alarms_before + share * (alarms[at] - alarms_before)
        # Already passed before this level: somewhere among negatives alone, where the hits stand still.
        return np.asarray(np.where(hits_before + alarms_before >= 1, 1 - hits_before, tied))
