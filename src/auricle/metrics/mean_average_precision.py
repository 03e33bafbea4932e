"""Mean of the classes' average precisions (mAP): how far the true clips of each class come before the others.

AudioSet's figure (Gemmeke et al. 2017): the unweighted mean, over the classes, of the step-wise area under the precision-recall curve.
A class that is true for no clip has no average precision, and is left out of the mean; libraries differ here (0, NaN or 1).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.metrics._ranks import average_precision, resampled_average_precision
from auricle.metrics._truth import hot, mean_of_present

Real = NDArray[np.floating[Any]]


class MeanAveragePrecision:
    """Mean of the classes' average precisions, over the classes that are true for at least one clip."""

    kinds = ("multi",)
    better = "higher"

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The mean.

        Args:
            probabilities: [R, K]; only each column's order counts, so logits give the same.
            truth: [R, K] multi-hot, or [R] class indices.

        Returns:
            0 to 1; NaN where no class is true for any clip.
        """
        true = hot(truth, probabilities.shape[1])
        present = np.flatnonzero(true.any(axis=0))
        if not len(present):
            return float("nan")
        return float(np.mean([average_precision(probabilities[:, k], true[:, k]) for k in present]))

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean of each resample of the clips, over the classes it holds.

        Args:
            probabilities: [R, K].
            truth: [R, K] multi-hot, or [R] class indices.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] 0 to 1; NaN where a resample holds no class.
        """
        true = hot(truth, probabilities.shape[1])
        present = np.flatnonzero(true.any(axis=0))
        if not len(present):
            return np.full(weights.shape[1], np.nan)
        return mean_of_present(np.stack([resampled_average_precision(probabilities[:, k], true[:, k], weights) for k in present]))
