"""Mean over the classes of the area under the ROC curve: the chance that a clip of the class is scored above one that is not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.metrics._ranks import resampled_area_under_curve
from auricle.metrics._truth import hot, mean_of_present

Real = NDArray[np.floating[Any]]


class AreaUnderCurve:
    """Mean over the classes of the area under the ROC curve; a class that is true for no clip, or for all, has none and is left out."""

    kinds = ("single", "multi")
    better = "higher"

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The mean.

        Args:
            probabilities: [R, K]; only each column's order counts.
            truth: [R] class indices, or [R, K] multi-hot.

        Returns:
            0 to 1, 0.5 by chance; NaN where no class has both a clip that is and one that is not.
        """
        from sklearn.metrics import roc_auc_score

        true = hot(truth, probabilities.shape[1])
        present = np.flatnonzero(true.any(axis=0) & ~true.all(axis=0))
        if not len(present):
            return float("nan")
        return float(np.mean([roc_auc_score(true[:, k], probabilities[:, k]) for k in present]))

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The mean of each resample of the clips, over the classes that have an area in it.

        Args:
            probabilities: [R, K].
            truth: [R] class indices, or [R, K] multi-hot.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] 0 to 1; NaN where a resample has no area at all.
        """
        true = hot(truth, probabilities.shape[1])
        present = np.flatnonzero(true.any(axis=0) & ~true.all(axis=0))
        if not len(present):
            return np.full(weights.shape[1], np.nan)
        return mean_of_present(np.stack([resampled_area_under_curve(probabilities[:, k], true[:, k], weights) for k in present]))
