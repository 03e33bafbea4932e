"""What an MP3's own headers promise, so that a cut file can be told from a whole one."""

from __future__ import annotations

_NEAR = 64
"""A Xing, Info or VBRI header stands in the first MPEG frame, at most 36 bytes behind its beginning."""
_BIT_RATES = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),  # MPEG-1 layer III, kbit/s
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),  # MPEG-2 and 2.5
)
_RATES = (44_100, 48_000, 32_000)


def promised(head: bytes) -> int:
    """Samples that the file says it holds, 0 where it says nothing.

    Args:
        head: the first MPEG frame's bytes, behind any ID3 tag.

    Returns:
        Samples, less what encoders pad at both ends.

    Source: Xing, "VBR header SDK", 1998; Fraunhofer, "VBRI header", 2001.
    """
    start = head[:_NEAR]
    at = max(start.find(b"Xing"), start.find(b"Info"))
    field = at + 8 if at >= 0 and head[at + 7 : at + 8] and head[at + 7] & 1 else start.find(b"VBRI") + 14 if b"VBRI" in start else 0
    if field == 0 or len(head) < field + 4:
        return 0
    frames = int.from_bytes(head[field : field + 4], "big")
    return max(0, frames - 3) * (1152 if head[1] & 0x08 else 576)


def frame_bytes(header: bytes) -> int:
    """Length of the layer III frame that begins with this header, 0 where it is none or does not say.

    Args:
        header: its first 4 bytes.

    Returns:
        Bytes, the header's included.

    Source: ISO 11172-3, section 2.4.3.1; ISO 13818-3, section 2.4.2.3.

    >>> frame_bytes(bytes.fromhex("fffbb064"))
    626
    """
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, kilobits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or kilobits in {0, 15} or rate == 3:
        return 0
    hertz = _RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bits = _BIT_RATES[0 if version == 3 else 1][kilobits] * 1000
    return (144 if version == 3 else 72) * bits // hertz + (header[2] >> 1 & 1)
