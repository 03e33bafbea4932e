"""What a sound file says it is: container, codec, rate, channels, length; the length claimed, or counted by decoding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auricle.audio._open import open_source
from auricle.types import Hertz, Seconds


@dataclass(frozen=True, slots=True)
class Probe:
    """What a file is.

    Args:
        container: such as "wav", "flac", "ogg", "mov" (MP4 and M4A too) or "matroska" (WebM too), told by the content.
        codec: such as "pcm_16" or "vorbis", in the decoder's words.
        sample_rate: samples a second.
        channels: how many.
        frames: samples of one channel; 0 where the header says nothing and nothing was counted.
        counted: whether frames were counted by decoding; otherwise the header claims them and may lie.
        decoder: library and version that reads it.
    """

    container: str
    codec: str
    sample_rate: int
    channels: int
    frames: int
    counted: bool
    decoder: str

    @property
    def duration(self) -> Seconds:
        """Length in seconds, as reliable as `frames`."""
        return self.frames / self.sample_rate

    @property
    def nyquist(self) -> Hertz:
        """The highest frequency that the rate can carry."""
        return self.sample_rate / 2


def probe(path: str | Path, *, count: bool = False) -> Probe:
    """What a file is, from its headers, or with its length counted by decoding it in constant memory.

    Args:
        path: the file.
        count: whether to decode everything, where the header cannot be believed.

    Returns:
        What was found.

    Raises:
        AudioError: the file is not there or is not sound.
        MissingExtraError: the format needs PyAV.
    """
    with open_source(Path(path).expanduser()) as source:
        frames = sum(chunk.shape[-1] for chunk in source.chunks(0)) if count else source.claimed
        return Probe(source.container, source.codec, source.sample_rate, source.channels, frames, count, source.decoder)
