"""A small picture of a sound: level over time and log frequency, as a PNG of a few kilobytes.

Drawn for eyes, not for models: windows of 32 to 46 ms, rows spaced evenly in log frequency, 70 dB from the loudest point to black.
"""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from auricle.types import Decibels, Hertz

_SHADES = 48  # more would not be seen, and would take more bytes
_ANCHORS = ((10, 8, 22), (48, 18, 84), (122, 32, 110), (196, 58, 84), (244, 124, 62), (252, 196, 96), (255, 246, 214))


def spectrogram(
    samples: NDArray[np.float32], *, sample_rate: int, rows: int = 112, columns: int = 420, low: Hertz = 60.0, depth: Decibels = 70.0
) -> NDArray[np.uint8]:
    """Brightness of each point of the picture.

    Args:
        samples: [T] full scale ±1, T > 0.
        sample_rate: samples a second.
        rows: of the picture; the lowest is `low`, the highest half the sample rate, evenly in log frequency.
        columns: of the picture, evenly in time.
        low: frequency of the lowest row.
        depth: below the loudest point, where black begins.

    Returns:
        [rows, columns] 0 (silent) to 255 (loudest), the highest frequency first.
    """
    win = 1 << max(5, round(np.log2(0.04 * sample_rate)))
    padded = np.pad(samples.astype(np.float64), (win // 2, win // 2))
    centres = np.linspace(0, len(samples), columns).astype(np.int64)
    frames = np.lib.stride_tricks.sliding_window_view(padded, win)[np.minimum(centres, len(padded) - win)]
    power = np.abs(np.fft.rfft(frames * np.hanning(win + 1)[:win], axis=1)) ** 2  # [columns, bins]
    edges = np.geomspace(low, sample_rate / 2, rows + 1) * win / sample_rate
    image = np.stack([_band(power, a, b) for a, b in pairwise(edges)])[::-1]
    level = 10 * np.log10(image + 1e-20)
    # A digitally silent clip has no loudest point worth scaling to.
    top = max(float(level.max()), -60.0)
    return np.asarray(np.clip((level - top + depth) / depth, 0, 1) * 255).round().astype(np.uint8)


def _band(power: NDArray[np.float64], first: float, last: float) -> NDArray[np.float64]:
    """[columns] the loudest bin between two positions; between bins where they hold none."""
    low, high = int(np.ceil(first)), int(np.floor(last))
    if high >= low:
        return np.asarray(power[:, low : high + 1].max(axis=1))
    middle = (first + last) / 2
    share = middle - int(middle)
    return np.asarray(power[:, int(middle)] * (1 - share) + power[:, min(int(middle) + 1, power.shape[1] - 1)] * share)


def png(image: NDArray[np.uint8]) -> bytes:
    """The picture as a PNG with a palette from black over violet and orange to a warm white.

    Args:
        image: [rows, columns] 0 to 255.

    Returns:
        The file.
    """
    rows, columns = image.shape
    shades = (image.astype(np.float64) * (_SHADES - 1) / 255).round().astype(np.uint8)
    body = np.concatenate([np.zeros((rows, 1), np.uint8), shades], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", _palette()), (b"IDAT", zlib.compress(body, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _palette() -> bytes:
    anchors = np.array(_ANCHORS, np.float64)
    at = np.linspace(0, len(anchors) - 1, _SHADES)
    return np.stack([np.interp(at, np.arange(len(anchors)), c) for c in anchors.T], axis=1).round().astype(np.uint8).tobytes()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
