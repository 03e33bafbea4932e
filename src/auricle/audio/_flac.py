"""A FLAC file whose header promises nothing, so that libsndfile decodes to the real end instead of the promised one."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer

# STREAMINFO follows "fLaC" and its own 4-byte block header; the 36-bit count of samples is the low half of its byte 13
# and bytes 14 to 17; 0 means unknown (RFC 9639, section 8.2).
_COUNT = 8 + 13


class EndlessFlac(io.RawIOBase):
    """The file's bytes with the sample count of STREAMINFO read as 0, unknown.

    Args:
        path: the file.
        offset: bytes that stand before "fLaC", such as an ID3 tag.
    """

    def __init__(self, path: Path, offset: int) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._first = offset + _COUNT
        self._file.seek(self._first)
        count = self._file.read(5) or b""
        self._file.seek(0)
        self.claimed = int.from_bytes(count, "big") & ((1 << 36) - 1)
        self._patch = bytes([count[0] & 0xF0]) + bytes(4) if len(count) == 5 else b""

    def readinto(self, buffer: Buffer, /) -> int:
        """Bytes from the current position, the count zeroed.

        Args:
            buffer: receives them.

        Returns:
            How many bytes were read.
        """
        at = self._file.tell()
        view = memoryview(buffer).cast("B")
        size = self._file.readinto(view) or 0
        first, last = max(at, self._first), min(at + size, self._first + len(self._patch))
        if first < last:
            view[first - at : last - at] = self._patch[first - self._first : last - self._first]
        return size

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Another position.

        Args:
            offset: bytes.
            whence: what they count from, as `os` numbers it.

        Returns:
            The new position in bytes.
        """
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """The position in bytes."""
        return self._file.tell()

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Closes the file underneath."""
        self._file.close()
        super().close()
