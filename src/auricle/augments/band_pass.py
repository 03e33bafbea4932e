"""What a telephone leaves: frequencies between two edges.

The digital Butterworth band-pass that the bilinear transform gives, applied as its frequency response: the same numbers as a recursive
filter, on any device. Magnitude at both edges is sqrt(1/2), -3.01 dB.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.augments._draws import by_ratio, chosen, evenly
from auricle.augments._spectrum import butterworth, ceiling, edge, padded, shaped, warped
from auricle.errors import RequestError
from auricle.types import Hertz


class BandPass:
    """Rows filtered.

    Args:
        sample_rate: samples a second.
        p: probability that a row is filtered.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_hz: lowest centre of the band, halfway between its edges in octaves.
        max_hz: highest centre; 0 or less counts from half the sample rate.
        min_octaves: narrowest band.
        max_octaves: widest band.
        order: poles of each edge; each falls by 6 dB an octave.
    """

    domain = "wave"

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.3,
        p_end: float | None = None,
        min_hz: Hertz = 500.0,
        max_hz: Hertz = 2000.0,
        min_octaves: float = 2.0,
        max_octaves: float = 4.0,
        order: int = 2,
    ) -> None:
        self.least, self.most = min_hz, ceiling(max_hz, sample_rate)
        if not 0 < min_hz <= self.most or not 0 < min_octaves <= max_octaves or not 1 <= order <= 8:
            raise RequestError(
                f"augment band_pass: centres from {min_hz:g} to {self.most:g} Hz, {min_octaves:g} to {max_octaves:g} octaves wide, "
                f"of order {order} at {sample_rate} Hz; wanted both rising from above 0, "
                f"centres below half the sample rate, an order of 1 to 8"
            )
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.narrowest, self.widest = min_octaves, max_octaves
        self.order = order

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Bands.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `low_hz` and `high_hz` [B], both 0 where the row stays.
        """
        rows = chosen(rng, shape[0], p=self.p)
        centre = rows * by_ratio(rng, shape[0], least=self.least, most=self.most)
        half = 2 ** (evenly(rng, shape[0], least=self.narrowest, most=self.widest) / 2)
        # Above 0.47 of the sample rate the bilinear transform has no room left for an edge.
        return {"low_hz": centre / half, "high_hz": (centre * half).clamp(max=0.47 * self.sample_rate)}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The filtered rows.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        made = wave.clone()
        rows = values["low_hz"].nonzero()[:, 0]
        if len(rows):
            at = warped(padded(wave.shape[-1], self.sample_rate), like=wave)[None]
            low, high = (edge(values[name][rows].to(wave), self.sample_rate)[:, None] for name in ("low_hz", "high_hz"))
            made[rows] = shaped(wave[rows], butterworth((at.square() - low * high) / ((high - low) * at), self.order))
        return made
