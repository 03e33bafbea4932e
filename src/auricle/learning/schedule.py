"""The learning rate of each step: a linear warm-up, then what the recipe names.

`cosine` falls to zero (Loshchilov and Hutter 2017, without restarts). `one_cycle` rises by a cosine from a 25th of the peak over the first
30 % and falls to a 250,000th, in place of the warm-up (Smith and Topin 2018, as torch has it). `step` and `plateau` multiply by `decay`:
each `decay_epochs`, or each time the development loss has not fallen for so long. `constant` stays.
"""

from __future__ import annotations

import math

from auricle.settings import Train

_RISE, _START, _END = 0.3, 1 / 25, 1e-4


def rate(settings: Train, step: int, *, total: int, steps: int, drops: int = 0) -> float:
    """The learning rate.

    Args:
        settings: schedule, peak and warm-up; a short training warms up for a third of its steps at most.
        step: from 0.
        total: steps of the whole training.
        steps: of an epoch.
        drops: how often the development loss has stood still.

    Returns:
        The rate of this step; never quite 0 while there is a step to take.

    >>> [round(rate(Train(lr=1.0, warmup=2), s, total=6, steps=1), 2) for s in range(6)]
    [0.5, 1.0, 1.0, 0.85, 0.5, 0.15]
    """
    if settings.schedule == "one_cycle":
        return settings.lr * _one_cycle(step, total)
    warmup = min(round(settings.warmup * steps), total // 3)
    if step < warmup:
        return settings.lr * (step + 1) / warmup
    if settings.schedule == "cosine":
        return settings.lr * _fallen((step - warmup) / max(1, total - warmup))
    if settings.schedule == "step":
        return float(settings.lr * settings.decay ** (step // (steps * max(1, settings.decay_epochs))))
    return float(settings.lr * settings.decay**drops)


def _fallen(share: float) -> float:
    """Half a cosine from 1 to 0."""
    return 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))


def _one_cycle(step: int, total: int) -> float:
    top, last = _RISE * total - 1, total - 1
    if step <= top:
        return 1 + (_START - 1) * _fallen(step / max(top, 1e-9))
    end = _START * _END
    return end + (1 - end) * _fallen((step - top) / max(last - top, 1e-9))
