"""Louder or softer by a factor drawn evenly in decibels."""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.errors import RequestError
from auricle.types import Decibels


class Gain:
    """Level change of each row.

    Args:
        sample_rate: samples a second.
        p: probability that a row is changed.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_gain_db: least gain, decibels.
        max_gain_db: most gain, decibels.
    """

    domain = "wave"

    def __init__(
        self, sample_rate: int, *, p: float = 1.0, p_end: float | None = None, min_gain_db: Decibels = -6.0, max_gain_db: Decibels = 6.0
    ) -> None:
        if not min_gain_db <= max_gain_db:
            raise RequestError(f"augment gain: min_gain_db is {min_gain_db:g} and max_gain_db {max_gain_db:g}; wanted min <= max")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.least = min_gain_db
        self.most = max_gain_db

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Decibels for each row.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `gain_db` [B], 0 where the row stays.
        """
        chosen = torch.rand(shape[0], generator=rng) < self.p
        gain_db = self.least + (self.most - self.least) * torch.rand(shape[0], generator=rng)
        return {"gain_db": gain_db * chosen}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows at their new level.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples, not clipped.
        """
        factor = 10 ** (values["gain_db"].to(wave) / 20)
        return wave * factor[:, None]
