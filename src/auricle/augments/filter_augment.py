"""Random weights on random frequency bands, as another room, distance or microphone would weigh them.

FilterAugment (Nam, Kim and Park 2022, section 2), step and linear: bands with random edges, even on the mel scale, each by random decibels,
or a line through random decibels at the edges. The paper adds them to a log-mel spectrogram; here the wave itself is filtered, without
delay, which adds the same decibels to the log-mel of any front end, whatever its unit, and works before cepstra and raw waves too.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from auricle.augments._draws import chosen
from auricle.augments._spectrum import padded, shaped
from auricle.errors import RequestError
from auricle.types import Decibels

_POINTS = 256  # of the drawn curve, evenly on the mel scale


class FilterAugment:
    """Rows with other weights on their bands.

    Args:
        sample_rate: samples a second.
        p: probability that a row is weighted.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        form: "step", one weight a band, or "linear", a line from edge to edge.
        min_gain_db: least weight, decibels.
        max_gain_db: most.
        min_bands: fewest bands.
        max_bands: most.
        min_width: narrowest band, as a share of the mel scale up to half the sample rate.
    """

    domain = "wave"

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.5,
        p_end: float | None = None,
        form: Literal["step", "linear"] = "linear",
        min_gain_db: Decibels = -6.0,
        max_gain_db: Decibels = 6.0,
        min_bands: int = 3,
        max_bands: int = 6,
        min_width: float = 0.05,
    ) -> None:
        if min_gain_db > max_gain_db or not 1 <= min_bands <= max_bands or not 0 <= min_width <= 1 / max_bands:
            raise RequestError(
                f"augment filter_augment: {min_bands} to {max_bands} bands of at least {min_width:g}, "
                f"{min_gain_db:g} to {max_gain_db:g} dB; wanted both rising, and room for all bands at their narrowest"
            )
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.form = form
        self.gains = (min_gain_db, max_gain_db)
        self.bands = (min_bands, max_bands)
        self.min_width = min_width

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Curves of decibels.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `chosen` [B] bool, and `gain_db` [B, P] at points that stand evenly on the mel scale from 0 to half the sample rate.
        """
        rows, most = shape[0], self.bands[1]
        counts = torch.randint(self.bands[0], most + 1, (rows,), generator=rng)[:, None]
        weights = self.gains[0] + (self.gains[1] - self.gains[0]) * torch.rand(rows, most + 1, generator=rng)
        at = torch.rand(rows, most - 1, generator=rng)
        # A band more or less is an edge inside or at the end: those that a row doesn't use are moved to 1 before sorting.
        inner = torch.arange(1, most)[None]
        used = inner < counts
        free = torch.where(used, at, torch.full((), 2.0)).sort(-1).values * (1 - counts * self.min_width) + inner * self.min_width
        edges = torch.where(used, free, torch.ones(()))
        edges = torch.cat([torch.zeros(rows, 1), edges, torch.ones(rows, 1)], 1)  # [B, most + 1]
        where = torch.linspace(0, 1, _POINTS).expand(rows, _POINTS).contiguous()
        band = (torch.searchsorted(edges, where, right=True) - 1).minimum(counts - 1).clamp(min=0)
        curve = weights.gather(1, band)
        if self.form == "linear":
            low, high = edges.gather(1, band), edges.gather(1, band + 1)
            share = ((where - low) / (high - low).clamp(min=1e-9)).clamp(0, 1)
            curve = curve + share * (weights.gather(1, band + 1) - curve)
        return {"chosen": chosen(rng, rows, p=self.p), "gain_db": curve}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The weighted rows.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        made = wave.clone()
        rows = values["chosen"].nonzero()[:, 0]
        if not len(rows):
            return made
        size = padded(wave.shape[-1], self.sample_rate)
        hertz = torch.linspace(0, self.sample_rate / 2, size // 2 + 1)
        place = torch.log1p(hertz / 700) / math.log1p(self.sample_rate / 1400) * (_POINTS - 1)
        low = place.long().clamp(max=_POINTS - 2)
        curve, share = values["gain_db"][rows].to(wave), (place - low).to(wave)
        low = low.to(wave.device)
        gain_db = curve[:, low] + share * (curve[:, low + 1] - curve[:, low])
        made[rows] = shaped(wave[rows], 10 ** (gain_db / 20))
        return made
