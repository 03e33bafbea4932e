"""Batch normalisation of each sub-band by itself.

Chang et al. 2021 (SubSpectral normalization for neural audio data processing, section 2.2, affine "Sub"): the bins are cut into bands of
one width, and each band of each channel has its own mean, deviation, gain and offset. Where the bins can't be cut into so many equal
bands, there are as many as can.
"""

from __future__ import annotations

from torch import Tensor, nn


class SubSpectralNorm(nn.Module):
    """Batch normalisation a band.

    Args:
        channels: of the map.
        bins: of the map.
        bands: wanted; the largest number up to it that divides the bins is used.
    """

    def __init__(self, channels: int, *, bins: int, bands: int = 5) -> None:
        super().__init__()
        self.bands = max(count for count in range(1, bands + 1) if bins % count == 0)
        self.norm = nn.BatchNorm2d(channels * self.bands)

    def forward(self, x: Tensor) -> Tensor:
        """The normalised map.

        Args:
            x: [B, C, F, N] map.

        Returns:
            [B, C, F, N] map.
        """
        rows, channels, bins, frames = x.shape
        banded = x.reshape(rows, channels * self.bands, bins // self.bands, frames)
        out: Tensor = self.norm(banded).reshape(rows, channels, bins, frames)
        return out
