"""Decoding by FFmpeg through PyAV, which the extra `formats` brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from auricle.audio._mpeg import frame_bytes, promised
from auricle.errors import AudioError

# Demuxers are named, never probed for: a playlist or script that calls itself sound must not make FFmpeg open other files or addresses.
_DEMUXERS = {"mov": "mov", "opus": "ogg", "wav": "wav"}
_GUESSED = {"mp3", "aac", "ac3", "amr"}
"""FFmpeg guesses how long these are from their first bit rate."""
_SCALE = {"u8": (128.0, 1 / 128), "s16": (0.0, 1 / 32768), "s32": (0.0, 1 / 2147483648), "s64": (0.0, 1 / 9223372036854775808)}


class FfmpegSource:
    """A file opened by FFmpeg.

    Args:
        path: the file.
        container: what its first bytes say it is.
        head: these bytes.

    Raises:
        AudioError: it holds no sound, or none that FFmpeg understands.
    """

    def __init__(self, path: Path, container: str, head: bytes = b"") -> None:
        self._container: Any = None
        try:
            # "file:" keeps a name such as "http:x" a name.
            self._container = av.open(f"file:{path}", format=_DEMUXERS.get(container, container), metadata_errors="replace")
            if not self._container.streams.audio:
                raise AudioError("it holds no sound")
            stream = self._container.streams.audio[0]
            context = stream.codec_context
            if context is None:
                raise AudioError("its codec is unknown")
            stream.thread_type = "NONE"
            self.container = container
            self.codec = str(context.name)
            self.decoder = f"av {av.__version__}"
            self.warnings: list[str] = []
            self._damaged = 0
            self._frames = self._decoded(stream)
            self._first = next(self._frames, None)
        except (FFmpegError, OSError, MemoryError) as error:
            self._close()
            raise AudioError(f"FFmpeg says: {getattr(error, 'strerror', '') or 'out of memory'}") from error
        except BaseException:
            self._close()
            raise
        # A decoder knows better than the header (HE-AAC doubles the rate), so the first frame decides where there is one.
        self.sample_rate = int(self._first.sample_rate if self._first else context.sample_rate or 0)
        self.channels = int(self._first.layout.nb_channels if self._first else context.channels or 0)
        if container in _GUESSED:
            self.claimed = promised(head)
        else:
            self.claimed = round(float(stream.duration * stream.time_base) * self.sample_rate) if stream.duration else 0

    def chunks(self, start: int) -> Iterator[NDArray[np.float32]]:
        """The samples from a frame on; everything before is decoded too, since seeking in coded sound is not exact.

        Args:
            start: the first frame wanted.

        Yields:
            [C, n] full scale ±1, n > 0.
        """
        skip, frame = start, self._first
        while frame is not None:
            if frame.sample_rate != self.sample_rate or frame.layout.nb_channels != self.channels:
                self.warnings.append(
                    f"changes from {self.sample_rate} Hz and {self.channels} channels to {frame.sample_rate} Hz and "
                    f"{frame.layout.nb_channels} on its way; what follows is left out"
                )
                break
            if frame.samples > skip:
                yield _planar(frame)[:, skip:]
            skip = max(0, skip - frame.samples)
            frame = next(self._frames, None)
        if self._damaged:
            self.warnings.append(f"is damaged: {self._damaged} of its packets could not be decoded")

    def __enter__(self) -> FfmpegSource:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        if self._container is not None:
            self._container.close()

    def _decoded(self, stream: Any) -> Iterator[Any]:
        packets = self._container.demux(stream)
        cut = False
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, OSError, MemoryError) as error:
                self.warnings.append(f"is damaged: reading stopped with {getattr(error, 'strerror', '') or 'too little memory'!r}")
                return
            if packet is None:
                break
            if self.container == "mp3" and packet.size >= 4:
                cut = packet.size < frame_bytes(bytes(packet)[:4])
            try:
                yield from packet.decode()
            except (FFmpegError, MemoryError):
                self._damaged += 1
        if cut:
            self.warnings.append("is truncated: its last frame is cut")


def _planar(frame: Any) -> NDArray[np.float32]:
    """[C, n] full scale ±1."""
    if frame.format.name.startswith("s64"):  # PyAV has no array of these
        values: NDArray[Any] = np.stack([np.frombuffer(plane, np.int64, frame.samples * _width(frame)) for plane in frame.planes])
    else:
        values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    offset, scale = _SCALE.get(frame.format.name.removesuffix("p"), (0.0, 0.0))
    if scale:
        values = (values.astype(np.float64) - offset) * scale
    with np.errstate(over="ignore"):  # what is beyond 32 bit becomes infinite, and is told of as such
        return np.ascontiguousarray(values, dtype=np.float32)


def _width(frame: Any) -> int:
    """Channels that lie side by side in one plane."""
    return 1 if frame.format.is_planar else int(frame.layout.nb_channels)
