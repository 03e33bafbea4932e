"""Exponential smoothing over frames without a loop over frames, so that it can stand in an exported graph."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from auricle.frontends._banded import BandedProduct

_BLOCK = 32


class Smoother(nn.Module):
    """M[n] = (1 - s) M[n-1] + s E[n], exactly.

    Frames in blocks of 32: within a block a product with the triangle of powers of 1 - s, between blocks the last value carried on.

    Args:
        share: s, the weight of the newest frame, 0 < s < 1.
    """

    decay: Tensor

    def __init__(self, share: float) -> None:
        super().__init__()
        self.keep = 1.0 - share
        n = torch.arange(_BLOCK, dtype=torch.float64)
        triangle = share * torch.tril(self.keep ** (n[:, None] - n).clamp(min=0))
        self.inside = BandedProduct(triangle.T)
        self.register_buffer("decay", (self.keep ** (n + 1)).float(), persistent=False)

    def forward(self, energy: Tensor, before: Tensor) -> Tensor:
        """The smoothed energies.

        Args:
            energy: [B, F, N] energies.
            before: [B, F] the average before the first frame.

        Returns:
            [B, F, N] averages.
        """
        rows, bins, count = energy.shape
        blocks = (count + _BLOCK - 1) // _BLOCK
        padded = nn.functional.pad(energy, (0, blocks * _BLOCK - count))
        inside: Tensor = self.inside(padded.reshape(-1, _BLOCK)).reshape(rows, bins, blocks, _BLOCK)
        carried = self._carried(inside[..., -1], before)  # [B, F, blocks]
        return (inside + carried[..., None] * self.decay).flatten(2)[..., :count]

    def _carried(self, ends: Tensor, before: Tensor) -> Tensor:
        """The average before each block, from the blocks' own last values."""
        keep = self.keep**_BLOCK
        if not torch.compiler.is_exporting():
            carried = [before]
            for block in ends.unbind(2)[:-1]:
                carried.append(carried[-1] * keep + block)
            return torch.stack(carried, dim=2)
        steps = torch.arange(ends.shape[2], device=ends.device).to(ends)
        apart = steps - steps[:, None] - 1  # [from, to]
        carry = torch.where(apart >= 0, torch.exp(apart.clamp(min=0) * math.log(keep)), apart.new_zeros(()))
        return ends @ carry + before[:, :, None] * torch.exp(steps * math.log(keep))
