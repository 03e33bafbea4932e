"""Move the sound in time, silence following on."""

from __future__ import annotations

import torch
from torch import Tensor


class Shift:
    """Delay or advance each row by up to so much.

    Args:
        sample_rate: samples a second.
        p: probability that a row is moved.
        max_shift_ms: largest delay or advance, milliseconds.
    """

    domain = "wave"

    def __init__(self, sample_rate: int, *, p: float = 1.0, max_shift_ms: float = 100.0) -> None:
        self.p = p
        self.most = round(sample_rate * max_shift_ms / 1000)

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Samples to delay each row by; negative advances.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `samples` [B] int64.
        """
        chosen = torch.rand(shape[0], generator=rng) < self.p
        samples = torch.randint(-self.most, self.most + 1, (shape[0],), generator=rng)
        return {"samples": samples * chosen}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The moved rows.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        total = wave.shape[-1]
        at = torch.arange(total, device=wave.device)[None] - values["samples"].to(wave.device)[:, None]
        inside = (at >= 0) & (at < total)
        return torch.where(inside, wave.gather(-1, at.clamp(0, total - 1)), wave.new_zeros(()))

    def stretched(self, length: Tensor, values: dict[str, Tensor]) -> Tensor:
        """Valid samples after the change: a delay is heard before the sound, an advanced one is followed by silence.

        Args:
            length: [B] valid samples before.
            values: what `draw` gave.

        Returns:
            [B] valid samples, to be cut at the row's end by the caller.
        """
        return length + values["samples"].to(length.device).clamp(min=0)
