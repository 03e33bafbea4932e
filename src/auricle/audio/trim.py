"""A clip without the silence before and after it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auricle.types import Decibels


def trimmed(samples: NDArray[np.float32], *, below_db: Decibels = 50.0, margin: int = 0) -> NDArray[np.float32]:
    """The samples from the first to the last that is not silence; silence within stays.

    Args:
        samples: [..., T] full scale ±1; all channels together decide.
        below_db: how far below the loudest sample silence begins.
        margin: samples of silence that are kept at either end, where there are as many.

    Returns:
        [..., T'] full scale ±1, a view; T' is 0 where there is nothing but zeros.

    >>> trimmed(np.array([0, 0, 0.5, 0, -0.2, 0.001], dtype=np.float32), margin=1)
    array([ 0.   ,  0.5  ,  0.   , -0.2  ,  0.001], dtype=float32)
    """
    level = np.abs(samples).max(axis=tuple(range(samples.ndim - 1)))
    peak = float(level.max(initial=0.0))
    heard = np.flatnonzero(level > peak * 10 ** (-below_db / 20)) if peak > 0 else np.zeros(0, np.int64)
    if not heard.size:
        return samples[..., :0]
    return samples[..., max(0, int(heard[0]) - margin) : int(heard[-1]) + 1 + margin]
