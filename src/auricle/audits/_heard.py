"""What one pass over a file tells: its form, levels, faults, bandwidth and fingerprint, in constant memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.audio.mono import mono
from auricle.audio.probe import probe
from auricle.audio.read import blocks
from auricle.audio.resample import Resampler
from auricle.audits._fingerprint import RATE, words
from auricle.errors import AuricleError
from auricle.types import Decibels, Hertz, Seconds

_PRINT_SECONDS = 15
_FULL = 0.9995
"""Relative to full scale: 16-bit 32752 and more."""
_FFT = 2048
_SPECTRA = 200
_CLIFF_DB = 40.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One file, listened to.

    Args:
        path: the file.
        error: why it cannot be used, or "".
        container: what it is.
        codec: how it is coded.
        decoder: what decoded it.
        sample_rate: samples a second.
        channels: how many.
        frames: samples of a channel, counted.
        warnings: what was repaired while reading.
        peak: largest absolute sample, full scale 1.
        power: mean square, full scale squared.
        offset: largest mean of a channel, full scale 1.
        clipped: share of samples in runs of three or more at full scale.
        bandwidth: where a cliff ends the spectrum, half the rate where there is none.
        digest: hash of the decoded samples.
        words: [N] fingerprint of the first seconds.
    """

    path: Path
    error: str = ""
    container: str = ""
    codec: str = ""
    decoder: str = ""
    sample_rate: int = 0
    channels: int = 0
    frames: int = 0
    warnings: tuple[str, ...] = ()
    peak: float = 0.0
    power: float = 0.0
    offset: float = 0.0
    clipped: float = 0.0
    bandwidth: Hertz = 0.0
    digest: str = ""
    words: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32), repr=False)

    @property
    def duration(self) -> Seconds:
        """Length in seconds, counted."""
        return self.frames / self.sample_rate if self.sample_rate else 0.0

    @property
    def rms_db(self) -> Decibels:
        """Level of the whole file in decibels of full scale."""
        return 10 * float(np.log10(self.power)) if self.power > 0 else -np.inf


def hear(path: Path) -> Heard:
    """One file, decoded from beginning to end.

    Args:
        path: the file.

    Returns:
        What was heard; a file that cannot be used has the reason as `error`.
    """
    try:
        return _heard(path)
    except AuricleError as error:
        return Heard(path, error=f"{error}" + (f" ({error.hint})" if error.hint else ""))


def _heard(path: Path) -> Heard:
    said = probe(path)
    frames, peak, energy, full = 0, 0.0, 0.0, 0
    sums = np.zeros(said.channels)
    warnings: list[str] = []
    spectra: list[NDArray[np.float64]] = []
    beginning: list[NDArray[np.float32]] = []
    resampler = Resampler(said.sample_rate, RATE)
    hashed = hashlib.blake2b(f"{said.sample_rate} {said.channels}".encode(), digest_size=16)
    decoder = ""
    for clip in blocks(path, seconds=10.0):
        samples, decoder = clip.samples, clip.decoder
        warnings.extend(clip.warnings)
        hashed.update(samples.tobytes())
        frames += samples.shape[1]
        peak = max(peak, float(np.abs(samples).max()))
        energy += float(np.einsum("ct,ct->", samples, samples, dtype=np.float64))
        sums += samples.sum(axis=1, dtype=np.float64)
        full += _clipped(samples)
        one = mono(samples)
        if len(spectra) < _SPECTRA:
            spectra.extend(_spectra(one, _SPECTRA - len(spectra)))
        if sum(map(len, beginning)) < _PRINT_SECONDS * RATE:
            beginning.append(resampler.step(one))
    beginning.append(resampler.step(np.zeros(0, np.float32), last=True))
    return Heard(
        path=path,
        container=said.container,
        codec=said.codec,
        decoder=decoder,
        sample_rate=said.sample_rate,
        channels=said.channels,
        frames=frames,
        warnings=tuple(warnings),
        peak=peak,
        power=energy / (frames * said.channels),
        offset=float(np.abs(sums / frames).max()),
        clipped=full / (frames * said.channels),
        bandwidth=_bandwidth(spectra, said.sample_rate),
        digest=hashed.hexdigest(),
        words=words(np.concatenate(beginning)[: _PRINT_SECONDS * RATE]),
    )


def _clipped(samples: NDArray[np.float32]) -> int:
    """Samples that stand in a run of three or more at full scale of one sign."""
    count = 0
    for at_full in (samples >= _FULL, samples <= -_FULL):
        if at_full.any():
            run = at_full[:, 2:] & at_full[:, 1:-1] & at_full[:, :-2]
            padded = np.pad(run, ((0, 0), (2, 2)))
            count += int(np.count_nonzero(padded[:, 2:] | padded[:, 1:-1] | padded[:, :-2]))
    return count


def _spectra(wave: NDArray[np.float32], most: int) -> list[NDArray[np.float64]]:
    """[fft/2 + 1] power of some frames, spread evenly."""
    if len(wave) < _FFT:
        return []
    starts = np.unique(np.linspace(0, len(wave) - _FFT, min(most, 20)).astype(int))
    frames = np.stack([wave[s : s + _FFT] for s in starts]) * np.blackman(_FFT)
    return list(np.square(np.abs(np.fft.rfft(frames, axis=1))))


def _bandwidth(spectra: list[NDArray[np.float64]], sample_rate: int) -> Hertz:
    """The frequency above which everything lies 40 dB below what stands just beneath it: a cliff that only a filter makes."""
    nyquist = sample_rate / 2
    if not spectra:
        return nyquist
    power = np.mean(spectra, axis=0)[1:]
    bands = 10 * np.log10(power[: len(power) // 64 * 64].reshape(64, -1).mean(axis=1) + 1e-20)
    for band in range(2, 61):
        above = bands[band + 2 :]
        if len(above) and bands[band - 2 : band].max() - above.max() > _CLIFF_DB and bands[band - 1] > bands.max() - 60:
            return float(nyquist * (band + 1) / 64)
    return nyquist
