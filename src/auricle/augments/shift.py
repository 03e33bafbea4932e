"""Move the sound in time, silence following on, or what left at one end coming in at the other."""

from __future__ import annotations

import torch
from torch import Tensor


class Shift:
    """Delay or advance each row by up to so much.

    Args:
        sample_rate: samples a second.
        p: probability that a row is moved.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        max_shift_ms: largest delay or advance, milliseconds.
        roll: what leaves at one end of the sound comes in at the other.
    """

    domain = "wave"

    def __init__(
        self, sample_rate: int, *, p: float = 1.0, p_end: float | None = None, max_shift_ms: float = 100.0, roll: bool = False
    ) -> None:
        self.p, self.p_end = p, p_end
        self.roll = roll
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
        if self.roll:
            own = values["length"].to(at)[:, None].clamp(min=1) if "length" in values else total
            at = torch.where(torch.arange(total, device=wave.device)[None] < own, at % own, torch.arange(total, device=wave.device)[None])
        inside = (at >= 0) & (at < total)
        return torch.where(inside, wave.gather(-1, at.clamp(0, total - 1)), wave.new_zeros(()))

    def stretched(self, length: Tensor, values: dict[str, Tensor]) -> Tensor:
        """Valid samples after the change: silence before a delayed sound counts; rolled sound stays as long.

        Args:
            length: [B] valid samples before.
            values: what `draw` gave.

        Returns:
            [B] valid samples, to be cut at the row's end by the caller.
        """
        if self.roll:
            return length
        return length + values["samples"].to(length.device).clamp(min=0)
