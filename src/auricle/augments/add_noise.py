"""Background at a signal-to-noise ratio: coloured noise, or stretches of recordings from a folder."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from auricle.audio.waveform import waveform
from auricle.errors import AudioError, RequestError
from auricle.types import Decibels

_LOUD_ENOUGH = 1e-8  # mean power below which a row is silence and gets no noise
_FLAT_BELOW = 50.0  # Hz; a slope down to zero would put nearly all of brown noise where nothing is heard


class AddNoise:
    """Noise added to each row.

    Args:
        sample_rate: samples a second.
        p: probability that a row gets noise.
        min_snr_db: least ratio of the row's mean power to the noise's, decibels.
        max_snr_db: most.
        folder: recordings to take noise from; "" makes coloured noise instead.
        max_slope: steepest fall of the coloured noise's power above 50 Hz, as a power of frequency: 0 is white, 1 pink, 2 brown.
    """

    domain = "wave"

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.5,
        min_snr_db: Decibels = 5.0,
        max_snr_db: Decibels = 30.0,
        folder: str = "",
        max_slope: float = 2.0,
    ) -> None:
        self.sample_rate = sample_rate
        self.p = p
        self.least = min_snr_db
        self.most = max_snr_db
        self.max_slope = max_slope
        self.recordings = _recordings(Path(folder).expanduser(), sample_rate) if folder else []

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Noise of unit power and its ratio, for each row.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `noise` [B, T] of mean power 1, zeros where the row stays, and `snr_db` [B].
        """
        rows, total = shape[0], shape[-1]
        chosen = torch.rand(rows, generator=rng) < self.p
        snr_db = self.least + (self.most - self.least) * torch.rand(rows, generator=rng)
        noise = self._stretches(rng, rows, total) if self.recordings else self._coloured(rng, rows, total)
        noise = noise / noise.square().mean(-1, keepdim=True).clamp(min=1e-12).sqrt()
        return {"noise": noise * chosen[:, None], "snr_db": snr_db}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows with their noise; silent rows stay silent.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        power = wave.square().mean(-1, keepdim=True)
        level = (power * 10 ** (-values["snr_db"].to(wave)[:, None] / 10)).sqrt()
        return wave + values["noise"].to(wave) * torch.where(power > _LOUD_ENOUGH, level, torch.zeros_like(level))

    def _coloured(self, rng: torch.Generator, rows: int, total: int) -> Tensor:
        white = torch.fft.rfft(torch.randn(rows, total, generator=rng))
        slope = self.max_slope * torch.rand(rows, 1, generator=rng)
        hertz = torch.arange(white.shape[-1]) * (self.sample_rate / total)
        coloured: Tensor = torch.fft.irfft(white * hertz.clamp(min=_FLAT_BELOW) ** (-slope / 2), n=total)
        return coloured

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


def _recordings(folder: Path, sample_rate: int) -> list[Tensor]:
    if not folder.is_dir():
        raise RequestError(f"augment add_noise: folder {folder} is not a folder of recordings")
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
        try:
            samples, _ = waveform(path, sample_rate=sample_rate)
        except AudioError:
            continue
        if samples.size and float((samples**2).mean()) > _LOUD_ENOUGH:
            found.append(torch.from_numpy(samples.copy()))
    if not found:
        raise RequestError(f"augment add_noise: {folder} holds no recording that can be read and is not silent")
    return found
