"""The sound upside down, as a microphone wired the other way round hears it: another wave with the same spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.augments._draws import chosen


class Polarity:
    """Sign of each row.

    Args:
        sample_rate: samples a second.
        p: probability that a row is turned.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
    """

    domain = "wave"

    def __init__(self, sample_rate: int, *, p: float = 0.5, p_end: float | None = None) -> None:
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Which rows are turned.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `sign` [B], 1 or -1.
        """
        return {"sign": 1.0 - 2.0 * chosen(rng, shape[0], p=self.p)}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows with their sign.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        return wave * values["sign"].to(wave)[:, None]
