"""The learning rate of each step: a linear warm-up, then a cosine to zero (Loshchilov and Hutter 2017, without restarts)."""

from __future__ import annotations

import math


def rate(step: int, *, total: int, peak: float, warmup: int) -> float:
    """The learning rate.

    Args:
        step: from 0.
        total: steps of the whole training.
        peak: highest rate.
        warmup: steps until the peak; a short training warms up for a third of its steps at most.

    Returns:
        The rate of this step; never quite 0 while there is a step to take.

    >>> [round(rate(s, total=6, peak=1.0, warmup=2), 2) for s in range(6)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15]
    """
    warmup = min(warmup, total // 3)
    if step < warmup:
        return peak * (step + 1) / warmup
    share = (step - warmup) / max(1, total - warmup)
    return peak * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))
