"""A FLAC file whose header promises nothing, so that libsndfile decodes to the real end instead of the promised one."""

from __future__ import annotations

from pathlib import Path

from auricle.audio._patched import Patched

# STREAMINFO follows "fLaC" and its own 4-byte block header; the 36-bit count of samples is the low half of its byte 13
# and bytes 14 to 17; 0 means unknown (RFC 9639, section 8.2).
_COUNT = 8 + 13


class EndlessFlac(Patched):
    """The file's bytes with the sample count of STREAMINFO read as 0, unknown.

    Args:
        path: the file.
        offset: bytes that stand before "fLaC", such as an ID3 tag.
    """

    def __init__(self, path: Path, offset: int) -> None:
        with path.open("rb") as file:
            file.seek(offset + _COUNT)
            count = file.read(5)
        self.claimed = int.from_bytes(count, "big") & ((1 << 36) - 1)
        super().__init__(path, first=offset + _COUNT, patch=bytes([count[0] & 0xF0]) + bytes(4) if len(count) == 5 else b"")
