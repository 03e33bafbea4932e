"""The cosine transform that turns mel levels into cepstra."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from auricle.frontends._banded import BandedProduct


class CosineTransform(nn.Module):
    """Type II, orthonormal, with sinusoidal liftering (The HTK Book, 5.3): c_k · (1 + L/2 · sin(πk/L)).

    Args:
        mels: levels of a frame.
        coefficients: cepstra kept, from the zeroth.
        lifter: L; 0 leaves them as they are.
        doubled_first: the zeroth by √(2/N) like the others instead of √(1/N), as HTK has it.
    """

    weights: Tensor

    def __init__(self, mels: int, coefficients: int, *, lifter: float = 0.0, doubled_first: bool = False) -> None:
        super().__init__()
        k = torch.arange(coefficients, dtype=torch.float64)[:, None]
        at = torch.arange(mels, dtype=torch.float64) + 0.5
        weights = torch.cos(math.pi / mels * k * at) * math.sqrt(2 / mels)  # [C, mels]
        if not doubled_first:
            weights[0] /= math.sqrt(2)
        if lifter:
            weights = weights * (1 + lifter / 2 * torch.sin(math.pi * k / lifter))
        self.register_buffer("weights", weights.float(), persistent=False)
        self.product = BandedProduct(weights.T)

    def forward(self, level: Tensor) -> Tensor:
        """Cepstra.

        Args:
            level: [B, mels, N] levels.

        Returns:
            [B, C, N] cepstra.
        """
        if torch.compiler.is_exporting():
            return self.weights @ level
        rows, _, count = level.shape
        made: Tensor = self.product(level.transpose(1, 2).reshape(rows * count, -1))
        return made.reshape(rows, count, -1).transpose(1, 2)
