"""Where the windows of a long clip lie, and how a short one is made long enough."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auricle.errors import ShapeError


def windows(total: int, win: int, hop: int) -> list[tuple[int, int]]:
    """Begin and end of each window, in order, so that every sample lies in at least one.

    Window n begins at n*hop and ends at n*hop + win or, for the last one only, at `total`.

    Args:
        total: samples of the clip.
        win: samples of a window.
        hop: samples from one window's begin to the next; hop <= win.

    Returns:
        Pairs of sample numbers, the end exclusive; empty where total is 0.

    Raises:
        ShapeError: win or hop is not positive, or hop > win, which would leave gaps.

    >>> windows(10, 4, 3)
    [(0, 4), (3, 7), (6, 10)]
    >>> windows(11, 4, 3)
    [(0, 4), (3, 7), (6, 10), (9, 11)]
    """
    if win < 1 or not 1 <= hop <= win:
        raise ShapeError(f"win is {win} and hop {hop} samples; windows that cover everything need 1 <= hop <= win")
    if total <= 0:
        return []
    count = 1 + max(0, -(-(total - win) // hop))
    return [(n * hop, min(n * hop + win, total)) for n in range(count)]


def passages(total: int, row: int, *, longest: int = 0) -> list[tuple[int, int]]:
    """The pieces in which a clip of any length is scored; their probabilities are averaged by length.

    A clip of up to three rows is scored whole, a longer one row by row, so that hours need no more memory than seconds; and none is longer
    than the network hears. Evaluation, prediction and the exported file's users all follow this one rule.

    Args:
        total: samples of the clip.
        row: samples of a training row.
        longest: samples that the network hears at most; 0 where any number will do.

    Returns:
        Pairs of sample numbers, the end exclusive.

    >>> passages(30, 10), passages(31, 10)
    ([(0, 30)], [(0, 10), (10, 20), (20, 30), (30, 31)])
    >>> passages(12, 10, longest=12), passages(13, 10, longest=12), passages(13, 10, longest=8)
    ([(0, 12)], [(0, 10), (10, 13)], [(0, 8), (8, 13)])
    """
    whole, each = measure(row, longest)
    return windows(total, each, each) if total > whole else windows(total, total, total) if total > 0 else []


def measure(row: int, longest: int = 0) -> tuple[int, int]:
    """How long a clip is scored whole, and in pieces of which length a longer one is.

    Args:
        row: samples of a training row.
        longest: samples that the network hears at most; 0 where any number will do.

    Returns:
        Samples of both.

    >>> measure(10), measure(10, 12), measure(10, 8)
    ((30, 10), (12, 10), (8, 8))
    """
    return (min(3 * row, longest), min(row, longest)) if longest else (3 * row, row)


def fit(samples: NDArray[np.float32], length: int, short: Literal["pad", "tile"] = "pad") -> NDArray[np.float32]:
    """Exactly `length` samples: a short clip padded with silence or repeated, a long one cut at its end.

    Args:
        samples: [T] full scale ±1.
        length: samples wanted.
        short: "pad" adds zeros behind, "tile" repeats the clip.

    Returns:
        [length] full scale ±1; a view of the input where it is long enough.

    Raises:
        ShapeError: samples is not [T], there is nothing to repeat, or `short` is unknown.

    >>> fit(np.array([1, 2, 3], dtype=np.float32), 5, "tile").tolist()
    [1.0, 2.0, 3.0, 1.0, 2.0]
    """
    if samples.ndim != 1:
        raise ShapeError(f"samples has shape {list(samples.shape)}; one channel [T] is fitted to a length")
    total = len(samples)
    if total >= length:
        return samples[:length]
    if short == "pad":
        return np.pad(samples, (0, length - total))
    if short != "tile":
        raise ShapeError(f"short is {short!r}; there are pad, tile")
    if total == 0:
        raise ShapeError("samples is empty; there is nothing to repeat")
    return np.tile(samples, -(-length // total))[:length]
