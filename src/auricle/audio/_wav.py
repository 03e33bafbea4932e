"""A WAV file whose data chunk says size 0 although sound follows, as a writer into a pipe leaves it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal

from auricle.audio._patched import Patched

_MOST_CHUNKS = 1000


class EndlessWav(Patched):
    """The file's bytes with the data chunk's size read as what follows it.

    Args:
        path: the file.
        first: where the size stands.
        patch: its four bytes.
        follow: bytes after them.
    """

    def __init__(self, path: Path, *, first: int, patch: bytes, follow: int) -> None:
        super().__init__(path, first=first, patch=patch)
        self.warning = f"says that it holds no sound, but {follow} bytes follow: they were read to the end of the file"


def endless(path: Path, offset: int) -> EndlessWav | None:
    """The file, patched, where its data chunk says 0 and what follows is no run of further chunks.

    Args:
        path: a RIFF or RIFX file.
        offset: bytes that stand before it, such as an ID3 tag.

    Returns:
        What to decode; None where the file is to be believed.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(offset)
        kind = file.read(12)[:4]
        if kind not in {b"RIFF", b"RIFX"}:
            return None
        order: Literal["big", "little"] = "big" if kind == b"RIFX" else "little"
        frame = 1
        for _ in range(_MOST_CHUNKS):
            name, length, at = _chunk(file, order)
            if name == b"fmt ":
                frame = max(1, int.from_bytes(file.read(14)[12:], order))
            elif name == b"data":
                follow = size - at
                if length or follow < frame or _are_chunks(file, order, size):
                    return None
                return EndlessWav(path, first=at - 4, patch=min(follow, 0xFFFFFFFE).to_bytes(4, order), follow=follow)
            if not name:
                return None
            file.seek(at + length + (length & 1))
    return None


def _chunk(file: BinaryIO, order: Literal["big", "little"]) -> tuple[bytes, int, int]:
    """Name, size and first byte of the chunk that begins here; no name at the file's end."""
    head = file.read(8)
    return (head[:4], int.from_bytes(head[4:], order), file.tell()) if len(head) == 8 else (b"", 0, file.tell())


def _are_chunks(file: BinaryIO, order: Literal["big", "little"], size: int) -> bool:
    """Whether chunks with readable names lead from here to the file's end."""
    for _ in range(_MOST_CHUNKS):
        name, length, at = _chunk(file, order)
        if not (len(name) == 4 and name.isascii() and name.decode().isprintable()):
            return False
        after = at + length + (length & 1)
        if after >= size:
            return at + length <= size
        file.seek(after)
    return False
