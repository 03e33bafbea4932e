"""Steady noise taken out, for some rows more than for others: what a phone's or a meeting's noise suppression does to a sound.

Spectral subtraction (Boll 1979) or a Wiener gain (Ephraim and Malah 1984) as `auricle.audio.denoise` has them; `p = 1` with `min_over`
equal to `max_over` makes it a preprocessing step.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from auricle.audio.denoise import denoise
from auricle.augments._stage import lengths
from auricle.errors import RequestError
from auricle.types import Decibels


class Denoise:
    """Rows denoised.

    Args:
        sample_rate: samples a second.
        p: probability that a row is denoised.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        method: "subtract" or "wiener".
        min_over: least times the noise's power that is taken.
        max_over: most.
        floor_db: least gain of any bin, decibels.
    """

    domain = "wave"
    host = True

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.2,
        p_end: float | None = None,
        method: Literal["subtract", "wiener"] = "wiener",
        min_over: float = 0.5,
        max_over: float = 2.0,
        floor_db: Decibels = -18.0,
    ) -> None:
        if not 0 < min_over <= max_over:
            raise RequestError(f"augment denoise: min_over is {min_over} and max_over {max_over}; wanted 0 < min_over <= max_over")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.method: Literal["subtract", "wiener"] = method
        self.least, self.most = min_over, max_over
        self.floor_db = floor_db

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """How much noise is taken from each row.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `over` [B], 0 where the row stays.
        """
        chosen = torch.rand(shape[0], generator=rng) < self.p
        return {"over": chosen * (self.least + (self.most - self.least) * torch.rand(shape[0], generator=rng))}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows without their noise.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        made = wave.clone()
        for row, (over, length) in enumerate(zip(values["over"].tolist(), lengths(wave, values), strict=True)):
            if over > 0 and length:
                own = wave[row, :length].cpu().numpy()
                samples = denoise(own, self.sample_rate, method=self.method, over=over, floor_db=self.floor_db)
                made[row, :length] = torch.from_numpy(samples).to(wave)
        return made
