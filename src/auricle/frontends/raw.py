"""Raw wave as a feature of one bin and one frame a sample, for networks that learn their own front end.

SoundNet wants samples of ±256 (`full_scale = 256`), wav2vec 2.0 each clip with mean 0 and variance 1 (`normalise = "clip"`, which needs the
whole clip and doesn't stream).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auricle.frontends._rows import by_row, valid


class Raw(nn.Module):
    """Samples, scaled.

    Args:
        sample_rate: samples a second of the wave.
        full_scale: value of a full-scale sample.
        normalise: "clip" makes each clip's mean 0 and variance 1 (with 1e-7 added, as wav2vec 2.0 has it); "none" doesn't.
    """

    bins = 1
    win = 1
    hop = 1

    def __init__(self, sample_rate: int, *, full_scale: float = 1.0, normalise: Literal["none", "clip"] = "none") -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.full_scale = full_scale
        self.normalise = normalise

    @property
    def streamable(self) -> bool:
        """Whether a sample depends on nothing but itself."""
        return not self.obstacle

    @property
    def obstacle(self) -> str:
        """What keeps it from streaming, named by the setting; "" where nothing does."""
        return "normalise = 'clip' needs the whole clip" if self.normalise == "clip" else ""

    def forward(self, wave: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Feature of each row.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, 1, T] samples, 0 beyond the length where normalised, and [B] valid frames.
        """
        value = wave[:, None] * self.full_scale
        if self.normalise == "none":
            return value, length
        if torch.compiler.is_exporting():
            mean, variance = _moments(value, length)
        else:
            both = by_row(value, length, lambda row: torch.stack([row.mean(), row.var(correction=0)]))
            mean, variance = both[:, 0, None, None], both[:, 1, None, None]
        scaled = (value - mean) / torch.sqrt(variance + 1e-7)
        return torch.where(valid(value, length), scaled, scaled.new_zeros(())), length

    def frames(self, length: Tensor) -> Tensor:
        """As many as samples.

        Args:
            length: [B] samples.

        Returns:
            [B] frames.
        """
        return length


def _moments(value: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    inside, count = valid(value, length), length.to(value)[:, None, None].clamp(min=1)
    mean = torch.where(inside, value, value.new_zeros(())).sum(2, keepdim=True) / count
    apart = torch.where(inside, value - mean, value.new_zeros(()))
    return mean, apart.square().sum(2, keepdim=True) / count
