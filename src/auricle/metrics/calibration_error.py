"""Expected calibration error (ECE): how far confidence and being right lie apart, on average.

Guo et al. 2017 (ICML), equation 3: clips are sorted into 15 equally wide bins by the probability of the named class; the figure is the mean
over the clips of |share right - mean confidence| of their bin. Where any number of classes may hold, the mean over the classes of
the same figure for "the class holds" against its probability, over all classes. Where annotators divide, the share of them that gave the
named class stands for being right.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]


class CalibrationError:
    """Expected calibration error over equally wide bins.

    Args:
        bins: how many; bin m covers probabilities (m/bins, (m+1)/bins], and the first 0 too.
        shares: whether the truth is how annotators divide.
    """

    kinds = ("single", "multi")
    better = "lower"

    def __init__(self, *, bins: int = 15, shares: bool = False) -> None:
        self.bins, self.shares = bins, shares

    def __call__(self, probabilities: Real, truth: NDArray[np.generic]) -> float:
        """The error.

        Args:
            probabilities: [R, K].
            truth: [R] class indices, or [R, K] multi-hot.

        Returns:
            0 to 1, in units of probability.
        """
        return float(self.resampled(probabilities, truth, np.ones((len(truth), 1), np.float32))[0])

    def resampled(self, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """The error in each resample of the clips.

        Args:
            probabilities: [R, K].
            truth: [R] class indices, or [R, K] multi-hot.
            weights: [R, B] how often each clip was drawn in each resample.

        Returns:
            [B] 0 to 1.
        """
        if truth.ndim == 1 or self.shares:
            return self._binary(probabilities.max(axis=1), right(probabilities, truth), weights)
        columns = zip(probabilities.T, truth.T, strict=True)
        return np.asarray(np.mean([self._binary(p, t.astype(np.float64) > 0.5, weights) for p, t in columns], axis=0))

    def _binary(self, confidence: Real, right: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        gap: NDArray[np.float64] = right.astype(np.float64) - confidence.astype(np.float64)
        bins = bin_of(confidence, self.bins)
        spread = np.where(bins[None, :] == np.unique(bins)[:, None], gap, 0.0)  # [used bins, R]
        # Single precision is plenty for an interval, and halves its time; the figure itself is exact.
        sums: NDArray[Any] = spread @ weights.astype(np.float64) if weights.shape[1] == 1 else spread.astype(np.float32) @ weights
        return np.asarray(np.abs(sums).sum(axis=0, dtype=np.float64) / weights.sum(axis=0, dtype=np.float64))


def right(probabilities: Real, truth: NDArray[np.generic]) -> NDArray[np.generic]:
    """Whether the most probable class is the true one, or the share of annotators who gave it.

    Args:
        probabilities: [R, K].
        truth: [R] class indices, or [R, K] shares.

    Returns:
        [R] truth values, or shares 0 to 1.
    """
    named = probabilities.argmax(axis=1)
    return np.asarray(named == truth) if truth.ndim == 1 else np.asarray(truth[np.arange(len(named)), named])


def bin_of(confidence: Real, bins: int) -> NDArray[np.int64]:
    """Which of `bins` equally wide bins each probability falls into, upper edges belonging to the bin below.

    Args:
        confidence: [...] 0 to 1.
        bins: how many.

    Returns:
        [...] 0 to bins - 1.

    >>> bin_of(np.array([0.0, 0.1, 0.11, 1.0]), 10).tolist()
    [0, 0, 1, 9]
    """
    edges = np.arange(1, bins) / bins
    return np.searchsorted(edges, confidence, side="left").astype(np.int64)
