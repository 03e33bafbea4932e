"""Peaks cut off, as where a sound was recorded too loud."""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.augments._draws import chosen, evenly
from auricle.errors import RequestError
from auricle.types import Decibels


class Clipping:
    """Rows cut at a level below their own peak.

    Args:
        sample_rate: samples a second.
        p: probability that a row is clipped.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_cut_db: least distance of the level from the row's peak, decibels.
        max_cut_db: most.
    """

    domain = "wave"
    degrades = True

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.2,
        p_end: float | None = None,
        min_cut_db: Decibels = 1.0,
        max_cut_db: Decibels = 15.0,
    ) -> None:
        if not 0 <= min_cut_db <= max_cut_db:
            raise RequestError(f"augment clipping: min_cut_db is {min_cut_db:g} and max_cut_db {max_cut_db:g}; wanted 0 <= min <= max")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.least, self.most = min_cut_db, max_cut_db

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """How far each row is cut.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `cut_db` [B], 0 where the row stays.
        """
        rows = chosen(rng, shape[0], p=self.p)
        return {"cut_db": rows * evenly(rng, shape[0], least=self.least, most=self.most)}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows without their peaks.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        level = wave.abs().amax(-1, keepdim=True) * 10 ** (-values["cut_db"].to(wave)[:, None] / 20)
        return torch.minimum(torch.maximum(wave, -level), level)
