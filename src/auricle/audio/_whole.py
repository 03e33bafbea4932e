"""Whether a file ends where its own structure says it must: libsndfile silently takes what is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Literal

_UNKNOWN = {0, 0xFFFFFFFF, 0x7FFFFFFF, 0xFFFFFFFFFFFFFFFF, 0x7FFFF000}
"""Sizes that a writer into a pipe leaves behind."""
_MOST_CHUNKS = 1000
_PCM_TAGS = {1, 3, 6, 7, 0xFFFE}
_LARGEST_PAGE = 27 + 255 + 255 * 255


def missing(path: Path, container: str, offset: int) -> list[str]:
    """One sentence for each sign that the file was cut.

    Args:
        path: the file.
        container: what its first bytes say it is.
        offset: bytes that stand before them, such as an ID3 tag.

    Returns:
        Predicates whose subject is the file.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if container in {"wav", "aiff"}:
            return _chunks(file, offset, size)
        if container == "au":
            file.seek(offset)
            head = file.read(12)
            order: Literal["big", "little"] = "big" if head[:4] == b".snd" else "little"
            return _cut(int.from_bytes(head[8:12], order), size - offset - int.from_bytes(head[4:8], order))
        if container in {"ogg", "opus"}:
            return _pages(file, size)
    return []


def _chunks(file: BinaryIO, offset: int, size: int) -> list[str]:
    """The data chunk of a RIFF, RIFX, RF64 or AIFF file against what is there (EBU Tech 3306, section 3; AIFF 1.3)."""
    file.seek(offset)
    kind = file.read(12)[:4]
    order: Literal["big", "little"] = "big" if kind in {b"RIFX", b"FORM"} else "little"
    wide = 0
    sizes: tuple[int, ...] = (1,)
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return []
        name, length, at = head[:4], int.from_bytes(head[4:], order), file.tell()
        if name == b"ds64":
            wide = int.from_bytes(file.read(16)[8:], "little")
        elif name == b"fmt ":
            sizes = _frame_sizes(file.read(16), order)
        elif name in {b"data", b"SSND"}:
            promised = wide if kind == b"RF64" and length == 0xFFFFFFFF else length
            return _cut(promised, size - at) or _ragged(promised, sizes)
        file.seek(at + length + (length & 1))
    return []


def _cut(promised: int, there: int) -> list[str]:
    if promised in _UNKNOWN or there >= promised:
        return []
    return [f"is truncated: its header promises {promised} bytes of sound, {max(there, 0)} are there"]


def _frame_sizes(fields: bytes, order: Literal["big", "little"]) -> tuple[int, ...]:
    """Bytes of one sample of all channels, as the format chunk says it in two places; (1,) for what is not PCM."""
    tag, channels, align, bits = (int.from_bytes(fields[at : at + 2], order) for at in (0, 2, 12, 14))
    if tag not in _PCM_TAGS:
        return (1,)
    return (align or 1, channels * -(-bits // 8) or 1)


def _ragged(promised: int, sizes: tuple[int, ...]) -> list[str]:
    if promised in _UNKNOWN or any(promised % size == 0 for size in sizes):
        return []
    return [f"ends amid a sample: {promised} bytes of sound are no multiple of {sizes[0]}"]


def _pages(file: BinaryIO, size: int) -> list[str]:
    """The last Ogg page: whole, and marked as the end of its stream (RFC 3533, section 6)."""
    file.seek(max(0, size - _LARGEST_PAGE - 4096))
    tail = file.read()
    at = tail.rfind(b"OggS")
    page = tail[at:] if at >= 0 else b""
    if len(page) > 27:
        lacing = page[27 : 27 + page[26]]
        if len(lacing) == page[26] and len(page) >= 27 + len(lacing) + sum(lacing) and page[5] & 4:
            return _last_packet(file, lacing, int.from_bytes(page[6:14], "little"))
    return ["is truncated: its last page is cut or is not marked as the last"]


def _last_packet(file: BinaryIO, lacing: bytes, frames: int) -> list[str]:
    """Whether a Vorbis stream was cut and closed again within its last packet.

    An encoder's last packet has any length, and its end position is the sound's (Vorbis I, A.2). One of whole 255-byte segments that ends
    on an edge between blocks is what a cutter leaves that counts segments and not packets.
    """
    file.seek(28)
    head = file.read(29)
    if head[:7] != b"\x01vorbis" or lacing[-2:] != b"\xff\x00":
        return []
    edge = max(1, (1 << (head[28] & 15)) // 4)
    return [] if frames % edge else ["is truncated: its last packet was cut at a whole segment, between two blocks"]
