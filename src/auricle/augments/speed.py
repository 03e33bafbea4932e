"""Play faster or slower, pitch and duration together, as a tape would.

Ko et al. 2015 (Audio augmentation for speech recognition, section 2). Positions between samples are read by a cubic (Catmull-Rom)
interpolation; the little that folds over at rates near one lies below the noise that training adds.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Speed:
    """Speed perturbation of each row.

    Args:
        sample_rate: samples a second.
        p: probability that a row is changed.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_rate: slowest; 0.8 lasts 1.25 times as long and sounds lower.
        max_rate: fastest.
    """

    domain = "wave"

    def __init__(
        self, sample_rate: int, *, p: float = 1.0, p_end: float | None = None, min_rate: float = 0.85, max_rate: float = 1.15
    ) -> None:
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.least = min_rate
        self.most = max_rate

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Rates.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `rate` [B], 1 where the row stays.
        """
        chosen = torch.rand(shape[0], generator=rng) < self.p
        rate = self.least + (self.most - self.least) * torch.rand(shape[0], generator=rng)
        return {"rate": torch.where(chosen, rate, torch.ones(()))}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows at their new speed; what no longer fits is cut, what is missing is silence.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        total = wave.shape[-1]
        at = torch.arange(total, device=wave.device)[None] * values["rate"].to(wave.device)[:, None]
        whole = at.floor()
        t = (at - whole).to(wave)
        index = whole.long()
        padded = torch.nn.functional.pad(wave, (1, 2))
        a, b, c, d = (padded.gather(-1, (index + k).clamp(max=total + 2)) for k in range(4))
        smooth = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        return torch.where(index < total, smooth, wave.new_zeros(()))

    def stretched(self, length: Tensor, values: dict[str, Tensor]) -> Tensor:
        """Valid samples after the change.

        Args:
            length: [B] valid samples before.
            values: what `draw` gave.

        Returns:
            [B] valid samples, to be cut at the row's end by the caller.
        """
        return (length / values["rate"].to(length.device)).long()
