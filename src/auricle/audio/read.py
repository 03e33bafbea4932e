"""Any sound file to `Clip`, whole or in blocks of constant memory, told by its content and never by its name.

A header's duration is never believed: samples are counted as they are decoded. Each format has one decoder, recorded in `Clip.decoder`:
libsndfile where it decodes the format to the last sample; FFmpeg (PyAV, the extra `formats`) for what libsndfile does not know, and for
MP3 and Opus, which libsndfile ends where the header says and decodes at the rate the header says. Without PyAV it reads these two
nevertheless, and warns.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.audio._open import open_source
from auricle.audio._source import Source
from auricle.errors import AudioError, RequestError
from auricle.types import Clip, Seconds

_GRACE = 0.05
"""Seconds by which a header may promise too much before it is worth a warning: coders round to whole packets."""


def read(path: str | Path, *, start: Seconds = 0.0, stop: Seconds | None = None) -> Clip:
    """One stretch of a file, decoded: frames `round(start * rate)` up to `round(stop * rate)`.

    Args:
        path: the file.
        start: seconds from the beginning.
        stop: seconds, or None for the end; a file that ends before is read to its end.

    Returns:
        [C, T] full scale ±1, T > 0, with one warning for each thing repaired.

    Raises:
        AudioError: the file is not there, is not sound, or holds no samples in this stretch.
        MissingExtraError: the format needs PyAV.
        RequestError: start is negative, or stop is not behind it.
    """
    clips = list(blocks(path, seconds=np.inf, start=start, stop=stop))
    return clips[0]


def blocks(path: str | Path, *, seconds: Seconds = 30.0, start: Seconds = 0.0, stop: Seconds | None = None) -> Iterator[Clip]:
    """The same stretch in consecutive clips of a given length, the last one shorter, in constant memory.

    A clip carries the warnings that became known with it; what is known only at the end (truncation, silence) is in the last.

    Args:
        path: the file.
        seconds: length of a block.
        start: seconds from the beginning.
        stop: seconds, or None for the end.

    Yields:
        [C, T] full scale ±1, T > 0.

    Raises:
        AudioError: as `read`; damage is found when it is reached.
        MissingExtraError: the format needs PyAV.
        RequestError: start is negative, stop is not behind it, or seconds is not positive.
    """
    path = Path(path).expanduser()
    if not (start >= 0 and (stop is None or stop > start) and seconds > 0):
        raise RequestError(f"{path}: from {start} to {stop} s in blocks of {seconds} s is not a stretch of sound; wanted 0 <= start < stop")
    with open_source(path) as source:
        rate = source.sample_rate
        first, last = round(start * rate), None if stop is None else round(stop * rate)
        size = None if seconds == np.inf else max(1, round(seconds * rate))
        state = _Faults()
        held: NDArray[np.float32] | None = None
        count = 0
        for block in _sized(_limited(source.chunks(first), None if last is None else max(last - first, 1)), size):
            if held is not None:
                yield Clip(held, rate, state.taken(), source.decoder)
            held = state.repaired(block)
            count += block.shape[-1]
        if held is None:
            raise AudioError(f"{path} {_nothing(source, start)}")
        state.found.extend(source.warnings)
        state.found.extend([] if source.warnings else _short(source, first + count, last))
        state.judge_whole()
        yield Clip(held, rate, state.taken(), source.decoder)


class _Faults:
    """What was repaired so far, and what has not been told yet."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._broken = 0
        self._peak = 0.0

    def repaired(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """The block with NaN and infinity set to 0."""
        low, high = float(block.min()), float(block.max())
        if not np.isfinite(low + high):
            finite = np.isfinite(block)
            self._broken += int(finite.size - np.count_nonzero(finite))
            block = np.where(finite, block, np.float32(0))
            low, high = float(block.min()), float(block.max())
        self._peak = max(self._peak, -low, high)
        return block

    def judge_whole(self) -> None:
        """What can only be said at the end."""
        if self._broken:
            self.found.append(f"held {self._broken} samples that are not numbers (NaN or infinity); they were set to 0")
        if self._peak == 0:
            self.found.append("is silent: every sample is 0")
        elif self._peak > _LOUD:
            self.found.append(f"peaks at {self._peak:.3g} times full scale; it was left as it is")

    def taken(self) -> tuple[str, ...]:
        """Warnings since the last call."""
        told, self.found = tuple(self.found), []
        return told


_LOUD = 2.0
"""Lossy decoders overshoot full scale by a few per cent; twice full scale is a file with another unit."""


def _limited(chunks: Iterator[NDArray[np.float32]], frames: int | None) -> Iterator[NDArray[np.float32]]:
    """The first `frames` frames."""
    left = frames
    for chunk in chunks:
        if left is None:
            yield chunk
            continue
        yield chunk[:, :left]
        left -= chunk.shape[-1]
        if left <= 0:
            return


def _sized(chunks: Iterator[NDArray[np.float32]], size: int | None) -> Iterator[NDArray[np.float32]]:
    """The same samples in blocks of `size` frames, or in one."""
    parts: list[NDArray[np.float32]] = []
    held = 0
    for chunk in chunks:
        rest = chunk
        while size is not None and held + rest.shape[-1] >= size:
            cut = size - held
            yield _joined([*parts, rest[:, :cut]])
            parts, held, rest = [], 0, rest[:, cut:]
        if rest.shape[-1]:
            parts.append(rest)
            held += rest.shape[-1]
    if parts:
        yield _joined(parts)


def _joined(parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.ascontiguousarray(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1))


def _nothing(source: Source, start: Seconds) -> str:
    """Why there is not a single sample."""
    damage = f"; it {source.warnings[0]}" if source.warnings else ""
    if start > 0 and not damage:
        return f"has no sound at {start:g} s or later"
    return f"is empty: it holds no samples{damage}"


def _short(source: Source, reached: int, last: int | None) -> list[str]:
    """A warning where the sound ended before the header or the request says."""
    wanted = source.claimed if last is None else min(last, source.claimed or last)
    if wanted - reached <= _GRACE * source.sample_rate:
        return []
    there, promised = reached / source.sample_rate, wanted / source.sample_rate
    return [f"is shorter than its header or the request says: {there:.2f} s are there, {promised:.2f} s were wanted"]
