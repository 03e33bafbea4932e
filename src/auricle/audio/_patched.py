"""A file some of whose bytes read otherwise, so that a decoder doesn't believe what they say."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Patched(io.RawIOBase):
    """The file's bytes but for a few.

    Args:
        path: the file.
        first: where the few stand.
        patch: what they read as.
    """

    def __init__(self, path: Path, *, first: int, patch: bytes) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self._first, self._patch = first, patch

    def readinto(self, buffer: Buffer, /) -> int:
        """Bytes from the current position, patched.

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
