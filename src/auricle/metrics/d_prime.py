"""Separation of positives and negatives in standard deviations (d'), from the area under the ROC curve: √2 · Φ⁻¹(AUC).

Two conventions are in use, and differ much on the same scores (2.73 against 3.07 on AudioSet): d' of the mean area (PANNs, Kong et al.
2020), and the mean of the classes' own d'. A perfect area would be infinitely far: areas are kept half a pair of clips away from 0 and 1.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from auricle.metrics._ranks import area_under_curve, resampled_area_under_curve
from auricle.metrics._truth import hot, mean_of_present

Real = NDArray[np.floating[Any]]


class DPrime:
    """√2 · Φ⁻¹(area under the ROC curve), over the classes that have an area.

    Args:
        convention: "mean_area" is d' of the mean area; "mean_d_prime" the mean of the classes' d'.
    """

    kinds = ("multi",)
    better = "higher"

    def __init__(self, *, convention: Literal["mean_area", "mean_d_prime"] = "mean_area") -> None:
        self.convention = convention

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The separation.

        Args:
            probabilities: [R, K]; only each column's order counts.
            truth: [R, K] multi-hot, or [R] class indices.

        Returns:
            Standard deviations, 0 by chance; NaN where no class has an area.
        """
        true = hot(truth, probabilities.shape[1])
        areas = np.array([[area_under_curve(probabilities[:, k], true[:, k])] for k in range(true.shape[1])])
        return float(self._separation(areas, _pairs(true))[0])

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The separation in each resample of the clips.

        Args:
            probabilities: [R, K].
            truth: [R, K] multi-hot, or [R] class indices.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] standard deviations.
        """
        true = hot(truth, probabilities.shape[1])
        areas = np.stack([resampled_area_under_curve(probabilities[:, k], true[:, k], weights) for k in range(true.shape[1])])
        return self._separation(areas, _pairs(true))

    def _separation(self, areas: NDArray[np.float64], pairs: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.convention == "mean_area":
            mean = mean_of_present(areas)
            return _quantile(mean, np.full_like(mean, pairs.sum()))
        return mean_of_present(_quantile(areas, np.broadcast_to(pairs[:, None], areas.shape)))


def _pairs(true: NDArray[np.bool_]) -> NDArray[np.float64]:
    positives = true.sum(axis=0).astype(np.float64)
    return np.asarray(np.maximum(positives * (len(true) - positives), 1.0))


def _quantile(areas: NDArray[np.float64], pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    normal = NormalDist()
    margin = 0.5 / np.asarray(pairs)
    inside = np.clip(areas, margin, 1 - margin)
    flat = [normal.inv_cdf(float(a)) * 2**0.5 if np.isfinite(a) else float("nan") for a in inside.ravel()]
    return np.array(flat).reshape(areas.shape)
