"""Decoding by libsndfile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile
from numpy.typing import NDArray

from auricle.audio._flac import EndlessFlac
from auricle.audio._source import CHUNK_VALUES
from auricle.audio._wav import EndlessWav, endless

_UNKNOWN_LENGTH = 1 << 62
# Seeking is exact where every sample has its place, and in FLAC. In Vorbis it is not: near the last page of a file it lands elsewhere.
_EXACT = {"pcm_s8", "pcm_u8", "pcm_16", "pcm_24", "pcm_32", "float", "double", "ulaw", "alaw"}


class LibsndfileSource:
    """A file opened by libsndfile.

    Args:
        path: the file.
        container: what its first bytes say it is.
        offset: bytes that stand before them, such as an ID3 tag.

    Raises:
        soundfile.SoundFileError: libsndfile does not understand it.
    """

    def __init__(self, path: Path, container: str, offset: int = 0) -> None:
        self._path, self._offset = path, offset
        self.container = container
        self._open()
        self.codec = str(self._file.subtype).lower()
        self.sample_rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        frames = int(self._file.frames)
        self.claimed = self._patched.claimed if isinstance(self._patched, EndlessFlac) else frames if frames < _UNKNOWN_LENGTH else 0
        self.decoder = f"soundfile {soundfile.__version__} (libsndfile {soundfile.__libsndfile_version__})"
        self.warnings: list[str] = [self._patched.warning] if isinstance(self._patched, EndlessWav) else []

    def chunks(self, start: int) -> Iterator[NDArray[np.float32]]:
        """The samples from a frame on.

        Args:
            start: the first frame wanted.

        Yields:
            [C, n] full scale ±1, n > 0.
        """
        skip = self._skipped(start)
        frames = max(1, CHUNK_VALUES // self.channels)
        while True:
            block, failed = self._read(frames)
            ended = len(block) == 0
            if skip:
                skip, block = max(0, skip - len(block)), block[skip:]
            if len(block):
                yield np.ascontiguousarray(block.T)
            if failed:
                self.warnings.append(f"is damaged: decoding stopped with {failed!r}")
            if failed or ended:
                return

    def __enter__(self) -> LibsndfileSource:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._close()

    def _open(self) -> None:
        self._patched: EndlessFlac | EndlessWav | None = None
        if self.container == "flac":
            self._patched = EndlessFlac(self._path, self._offset)
        elif self.container == "wav":
            self._patched = endless(self._path, self._offset)
        try:
            self._file = _Forward(self._patched or os.fsencode(self._path))
        except BaseException:
            if self._patched:
                self._patched.close()
            raise

    def _close(self) -> None:
        self._file.close()
        if self._patched:
            self._patched.close()

    def _skipped(self, start: int) -> int:
        """Frames that must still be decoded and dropped before `start`."""
        if start == 0 or start >= self.claimed or self.codec not in _EXACT:
            return start
        try:
            return start - int(self._file.seek(start))
        except soundfile.SoundFileError:
            # A decoder that lost its way while seeking does not find back: begin again and decode up to the start.
            self._close()
            self._open()
            return start

    def _read(self, frames: int) -> tuple[NDArray[np.float32], str]:
        """[n, C] samples, and the error that ended them."""
        # An error loses the count of what was decoded before it: the part of the buffer that is not NaN any more.
        buffer = np.full((frames, self.channels), np.nan, np.float32)
        try:
            return self._file.read(frames, dtype="float32", always_2d=True, out=buffer), ""
        except soundfile.SoundFileError as error:
            written = ~np.isnan(buffer).any(axis=1)
            return buffer[: len(buffer) if written.all() else int(written.argmin())], reason(error)


class _Forward(soundfile.SoundFile):  # type: ignore[misc] # soundfile has no types
    """A file that soundfile does not seek in after each read, which fails at the end of one of unknown length."""

    def seekable(self) -> bool:
        """Never, as far as soundfile's own bookkeeping is concerned."""
        return False


def reason(error: Exception) -> str:
    """What libsndfile said, without its prefix and without the path, which the caller names.

    Args:
        error: what it raised.

    Returns:
        A clause without its full stop.
    """
    said = getattr(error, "error_string", "") or str(error)
    return str(said).removeprefix("Error : ").strip().rstrip(".")
