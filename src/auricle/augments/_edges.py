"""Filters of one edge: the digital Butterworth filter that the bilinear transform gives, applied as its frequency response.

The same numbers as a recursive filter, on any device. Magnitude at the edge is sqrt(1/2), -3.01 dB.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from auricle.augments._draws import by_ratio, chosen
from auricle.augments._spectrum import butterworth, ceiling, edge, padded, shaped, warped
from auricle.errors import RequestError
from auricle.types import Hertz


class Edges:
    """Rows filtered, each at an edge of its own.

    Args:
        sample_rate: samples a second.
        name: of the augmentation, for errors.
        p: probability that a row is filtered.
        p_end: probability at the end of training; none stays at `p`.
        min_hz: lowest edge.
        max_hz: highest edge; 0 or less counts from half the sample rate.
        order: poles; each falls by 6 dB an octave.
    """

    domain = "wave"
    above: ClassVar[bool]  # whether what is above the edge stays

    def __init__(self, sample_rate: int, name: str, *, p: float, p_end: float | None, min_hz: Hertz, max_hz: Hertz, order: int) -> None:
        self.least, self.most = min_hz, ceiling(max_hz, sample_rate)
        if not 0 < min_hz <= self.most or not 1 <= order <= 8:
            raise RequestError(
                f"augment {name}: edges from {min_hz:g} to {self.most:g} Hz of order {order} at {sample_rate} Hz; "
                f"wanted 0 < min_hz <= max_hz below half the sample rate, and an order of 1 to 8"
            )
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.order = order

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Edges.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `hertz` [B], 0 where the row stays.
        """
        rows = chosen(rng, shape[0], p=self.p)
        return {"hertz": rows * by_ratio(rng, shape[0], least=self.least, most=self.most)}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The filtered rows.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        made = wave.clone()
        rows = values["hertz"].nonzero()[:, 0]
        if len(rows):
            at = warped(padded(wave.shape[-1], self.sample_rate), like=wave)[None]
            place = edge(values["hertz"][rows].to(wave), self.sample_rate)[:, None]
            made[rows] = shaped(wave[rows], butterworth(-place / at if self.above else at / place, self.order))
        return made
