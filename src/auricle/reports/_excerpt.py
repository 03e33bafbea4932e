"""A clip that a page can carry inside itself: a few seconds as MP3, which every browser plays, and their picture."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from auricle.audio.mono import mono
from auricle.audio.read import read
from auricle.audio.resample import resample
from auricle.reports._spectrogram import png, spectrogram
from auricle.types import Seconds

_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000)  # of MP3, up to what keeps a page small


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is heard and seen of one clip.

    Args:
        sound: data URI.
        picture: data URI of the spectrogram.
        duration: seconds of the excerpt.
        cut: whether the clip goes on after it.
        sample_rate: of the excerpt.
    """

    sound: str
    picture: str
    duration: Seconds
    cut: bool
    sample_rate: int


def excerpt(path: str | Path, *, start: Seconds = 0.0, stop: Seconds | None = None, longest: Seconds = 10.0) -> Excerpt:
    """The beginning of a clip, mono and at no more than 32 kHz.

    Args:
        path: the file.
        start: seconds from the file's beginning.
        stop: seconds, or None for the file's end.
        longest: seconds of the excerpt at most.

    Returns:
        Sound and picture as data URIs.

    Raises:
        AudioError: the file cannot be read any more.
    """
    # A moment more than is shown tells whether there is more.
    end = start + longest + 0.1 if stop is None else min(stop, start + longest + 0.1)
    clip = read(path, start=start, stop=end)
    samples = mono(clip.samples)
    cut = len(samples) > longest * clip.sample_rate
    samples = samples[: round(longest * clip.sample_rate)]
    rate = max((r for r in _RATES if r <= clip.sample_rate), default=_RATES[0])
    if rate != clip.sample_rate:
        samples = resample(samples, clip.sample_rate, rate)
    samples = np.clip(samples, -1, 1).astype(np.float32)
    picture = png(spectrogram(samples, sample_rate=rate))
    return Excerpt(_mp3(samples, rate), _uri("image/png", picture), len(samples) / rate, cut, rate)


def _mp3(samples: NDArray[np.float32], rate: int) -> str:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="MP3", subtype="MPEG_LAYER_III")
    return _uri("audio/mpeg", file.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
