"""Scale-invariant signal-to-noise ratio of waves, decibels: how much of an estimate is the clean wave, whatever its level.

Le Roux et al. 2019 (SDR - half-baked or well done?, section 3.1, there SI-SDR), of waves without their mean. From -100 to 100 dB, so that a
perfect wave has a number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]

_LEAST = 1e-10  # share of the estimate's energy that counts on both sides


class SiSnr:
    """Mean over the rows that hold sound; NaN where none does."""

    kinds = ("wave",)
    better = "higher"

    def __call__(self, estimate: Real, truth: NDArray[np.generic]) -> float:
        """The ratio.

        Args:
            estimate: [R, T] waves.
            truth: [R, T] clean waves.

        Returns:
            Decibels.
        """
        ratios = self.rows(estimate, truth)
        heard = ratios[np.isfinite(ratios)]
        return float(heard.mean()) if len(heard) else float("nan")

    def rows(self, estimate: Real, truth: NDArray[np.generic]) -> NDArray[np.float64]:
        """The ratio of each row.

        Args:
            estimate: [R, T] waves.
            truth: [R, T] clean waves.

        Returns:
            [R] decibels, NaN where the clean wave is silent.
        """
        found, clean = np.asarray(estimate, np.float64), np.asarray(truth, np.float64)
        found, clean = found - found.mean(1, keepdims=True), clean - clean.mean(1, keepdims=True)
        energy = np.square(clean).sum(1, keepdims=True)
        part = clean * (found * clean).sum(1, keepdims=True) / np.where(energy > 0, energy, np.nan)
        wanted, rest = np.square(part).sum(1), np.square(found - part).sum(1)
        least = _LEAST * (wanted + rest)
        least = np.where(least > 0, least, np.finfo(np.float64).tiny)  # a silent estimate is neither
        return np.asarray(10 * np.log10((wanted + least) / (rest + least)))
