"""The one path from a file to mono samples at a wanted rate, for training, prediction and listening alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.audio.mono import Channels, energies, mono
from auricle.audio.read import blocks
from auricle.audio.resample import Resampler
from auricle.types import Seconds

_BLOCK = 30.0


def waveform(
    path: str | Path, *, sample_rate: int, channels: Channels = "mean", start: Seconds = 0.0, stop: Seconds | None = None
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """One stretch of a file as mono samples.

    Args:
        path: the file.
        sample_rate: samples a second wanted.
        channels: how several channels become one.
        start: seconds from the beginning.
        stop: seconds, or None for the end.

    Returns:
        [T] full scale ±1, T > 0, and one sentence for each thing that was repaired. A stretch that is shorter than half a sample at
        the wanted rate is one sample of silence.

    Raises:
        AudioError: the file cannot be read, or holds no samples in this stretch.
        MissingExtraError: the format needs PyAV.
    """
    warnings: list[str] = []
    parts = list(waveform_blocks(path, sample_rate=sample_rate, channels=channels, start=start, stop=stop, warnings=warnings))
    return np.concatenate(parts), tuple(warnings)


def waveform_blocks(
    path: str | Path,
    *,
    sample_rate: int,
    channels: Channels = "mean",
    start: Seconds = 0.0,
    stop: Seconds | None = None,
    warnings: list[str] | None = None,
) -> Iterator[NDArray[np.float32]]:
    """The same samples in pieces of about 30 s and constant memory; their concatenation is `waveform`, bit for bit.

    Args:
        path: the file.
        sample_rate: samples a second wanted.
        channels: how several channels become one; "loudest" reads the file twice, since the whole stretch decides.
        start: seconds from the beginning.
        stop: seconds, or None for the end.
        warnings: receives one sentence for each thing that was repaired.

    Yields:
        [T] full scale ±1, T > 0.

    Raises:
        AudioError: the file cannot be read, or holds no samples in this stretch.
        MissingExtraError: the format needs PyAV.
    """
    loudest = _loudest(path, start, stop) if channels == "loudest" else 0
    resampler: Resampler | None = None
    empty = True
    for clip in blocks(path, seconds=_BLOCK, start=start, stop=stop):
        resampler = resampler or Resampler(clip.sample_rate, sample_rate)
        if warnings is not None:
            warnings.extend(clip.warnings)
        one = clip.samples[loudest] if channels == "loudest" else mono(clip.samples, channels)
        done = resampler.step(one)
        if len(done):
            empty = False
            yield done
    done = resampler.step(np.zeros(0, np.float32), last=True) if resampler else np.zeros(0, np.float32)
    if len(done) or empty:
        yield done if len(done) else np.zeros(1, np.float32)


def _loudest(path: str | Path, start: Seconds, stop: Seconds | None) -> int:
    total: NDArray[np.float64] | float = 0.0
    for clip in blocks(path, seconds=_BLOCK, start=start, stop=stop):
        if clip.samples.shape[0] == 1:
            return 0
        total = total + energies(clip.samples)
    return int(np.argmax(total))
