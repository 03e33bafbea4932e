"""Background at a signal-to-noise ratio: noise of any colour, or stretches of recordings from a folder."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from auricle.augments._draws import chosen, evenly
from auricle.augments._recordings import LOUD_ENOUGH, recordings
from auricle.augments._spectrum import fast
from auricle.augments._stage import power, valid
from auricle.errors import RequestError
from auricle.types import Decibels

_PARTS = 5
_FLAT_BELOW = 50.0  # Hz; a slope down to zero would put nearly all of brown noise where nothing is heard


class AddNoise:
    """Noise added to each row, its ratio measured over the row's own samples.

    Args:
        sample_rate: samples a second.
        p: probability that a row gets noise.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_snr_db: least ratio of the row's mean power to the noise's, decibels; none is 5, and 10 for a folder's recordings.
        max_snr_db: most; none is 30, and 10 for a folder's recordings.
        folder: recordings to take noise from; "" makes coloured noise instead.
        min_slope: flattest fall of the coloured noise's power above 50 Hz, as a power of frequency: -2 violet, -1 blue, 0 white, 1 pink,
            2 brown.
        max_slope: steepest.
        max_minutes: of recordings kept in memory; each file gives at most its share, from its beginning.
    """

    domain = "wave"
    degrades = True

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.5,
        p_end: float | None = None,
        min_snr_db: Decibels | None = None,
        max_snr_db: Decibels | None = None,
        folder: str = "",
        min_slope: float = 0.0,
        max_slope: float = 2.0,
        max_minutes: float = 60.0,
    ) -> None:
        self.least = (10.0 if folder else 5.0) if min_snr_db is None else min_snr_db
        self.most = (max(10.0, self.least) if folder else max(30.0, self.least)) if max_snr_db is None else max_snr_db
        if self.least > self.most or min_slope > max_slope:
            raise RequestError(
                f"augment add_noise: ratios from {self.least:g} to {self.most:g} dB, slopes from {min_slope:g} to {max_slope:g}; "
                f"wanted both rising"
            )
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.min_slope, self.max_slope = min_slope, max_slope
        self.recordings = recordings(folder, sample_rate, augment="add_noise", longest=60 * max_minutes) if folder else []

    def part(self, *, held_out: bool) -> AddNoise:
        """The same with every fifth of its recordings, or with the others; with all where there are fewer than five.

        Args:
            held_out: whether the fifth, with which then no row stays as it is.

        Returns:
            A copy.
        """
        now = copy.copy(self)
        if len(self.recordings) >= _PARTS:
            chosen = [i % _PARTS == _PARTS - 1 for i in range(len(self.recordings))]
            now.recordings = [each for each, last in zip(self.recordings, chosen, strict=True) if last == held_out]
        if held_out:
            now.p, now.p_end = 1.0, None
        return now

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Noise of unit power and its ratio, for each row.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `noise` [B, T] of mean power 1, zeros where the row stays, and `snr_db` [B].
        """
        rows, total = shape[0], shape[-1]
        noisy = chosen(rng, rows, p=self.p)
        snr_db = evenly(rng, rows, least=self.least, most=self.most)
        noise = torch.zeros(rows, total)
        if bool(noisy.any()):
            count = int(noisy.sum())
            made = self._stretches(rng, count, total) if self.recordings else self._coloured(rng, count, total)
            noise[noisy] = made / made.square().mean(-1, keepdim=True).clamp(min=1e-12).sqrt()
        return {"noise": noise, "snr_db": snr_db}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows with their noise; silent rows stay silent.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        inside, noise = valid(wave, values), values["noise"].to(wave)
        sound = power(wave, inside)
        wanted = sound * 10 ** (-values["snr_db"].to(wave)[:, None] / 10)
        level = (wanted / power(noise, inside).clamp(min=1e-12)).sqrt()
        return wave + noise * torch.where(sound > LOUD_ENOUGH, level, torch.zeros_like(level))

    def _coloured(self, rng: torch.Generator, rows: int, total: int) -> Tensor:
        # Normal noise has normal Fourier coefficients, so that they can be drawn at once.
        size = fast(total) + fast(total) % 2
        white = torch.view_as_complex(torch.randn(rows, size // 2 + 1, 2, generator=rng))
        slope = evenly(rng, rows, least=self.min_slope, most=self.max_slope)[:, None]
        hertz = torch.arange(white.shape[-1]) * (self.sample_rate / size)
        coloured: Tensor = torch.fft.irfft(white * hertz.clamp(min=_FLAT_BELOW) ** (-slope / 2), n=size)
        return coloured[:, :total]

    def _stretches(self, rng: torch.Generator, rows: int, total: int) -> Tensor:
        which = torch.randint(len(self.recordings), (rows,), generator=rng).tolist()
        where = torch.rand(rows, generator=rng).tolist()
        noise = torch.empty(rows, total)
        for row, (i, u) in enumerate(zip(which, where, strict=True)):
            recording = self.recordings[i]
            turns = -(-total // recording.shape[0]) + 1
            start = int(u * recording.shape[0])
            noise[row] = recording.repeat(turns)[start : start + total]
        return noise
