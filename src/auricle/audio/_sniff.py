"""Which container a file is, by its first bytes and never by its name."""

from __future__ import annotations

import string

HEAD_BYTES = 4096

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"fLaC", "flac"),
    (0, b".snd", "au"),
    (0, b"dns.", "au"),
    (0, b"caff", "caf"),
    (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb", "w64"),
    (0, b"NIST_1A", "nist"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"#!AMR", "amr"),
    (0, b"\x0b\x77", "ac3"),
    (0, b"FLV\x01", "flv"),
    (0, b"wvpk", "wv"),
    (0, b"MAC ", "ape"),
    (0, b"TTA1", "tta"),
    (0, b"ADIF", "aac"),
)
_RIFF = {b"WAVE": "wav", b"AVI ": "avi"}
_ATOMS = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
_OTHER: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
    (b"MThd", "a MIDI file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
)


def sniff(head: bytes) -> str:
    """Name of the container, or "" where it is none that holds sound.

    Args:
        head: the file's first bytes.

    Returns:
        Such as "wav", "mov" (MP4 and M4A too) or "matroska" (WebM too).

    >>> sniff(b"RIFF....WAVEfmt ")
    'wav'
    >>> sniff(b"<!DOCTYPE html>")
    ''
    """
    if head[:4] in {b"RIFF", b"RIFX", b"RF64"}:
        return _RIFF.get(head[8:12], "")
    if head[:4] == b"FORM":
        return "aiff" if head[8:12] in {b"AIFF", b"AIFC"} else "svx" if head[8:12] in {b"8SVX", b"16SV"} else ""
    if head[:4] == b"OggS":
        return "opus" if b"OpusHead" in head[:300] else "ogg"
    if head[4:8].lower() in _ATOMS:
        return "mov"
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    return _mpeg(head)


def tag_bytes(head: bytes) -> int:
    """Length of an ID3v2 tag that stands before the sound, 0 where there is none (ID3v2.4, section 3.1).

    Args:
        head: at least 10 bytes.

    Returns:
        Bytes from the file's beginning to what follows the tag.
    """
    if head[:3] != b"ID3" or len(head) < 10 or any(b & 0x80 for b in head[6:10]):
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + size + (10 if head[5] & 0x10 else 0)


def describe(head: bytes) -> str:
    """What a file that holds no sound seems to be, to end a sentence with.

    Args:
        head: the file's first bytes.

    Returns:
        A clause that begins with "it".

    >>> describe(b"<!DOCTYPE html><html>")
    'it is a web page (HTML)'
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:64].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")):
        return "it is a web page (HTML)"
    for magic, name in _OTHER:
        if head.startswith(magic):
            return f"it is {name}"
    if not any(head):
        return "it begins with zeros"
    if all(chr(b) in string.printable for b in head[:256]):
        return f"it is text and begins {head[:24].decode('ascii')!r}"
    return f"it begins with the bytes {head[:8].hex(' ')}"


def _mpeg(head: bytes) -> str:
    """MPEG audio (ISO 11172-3, 2.4.2.3) or AAC in ADTS (ISO 13818-7, 6.2), from the frame header's fields."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return ""
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        return "aac" if head[1] & 0xF0 == 0xF0 and head[2] >> 2 & 15 < 13 else ""
    return "mp3" if version != 1 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3 else ""
