"""Intervals by resampling what was drawn independently: whole groups (speakers, recordings), not clips.

The cluster bootstrap: as many groups as there are, drawn with replacement, each bringing all its clips. Two known faults of the plain
percentile interval are mended. Few groups make it too narrow: the percentiles are widened as Hesterberg 2015 proposes (The American
Statistician 69:4, "expanded percentile interval"), which matches the t interval of a mean. Figures that any noise raises (a calibration
error) come out higher in every resample than on the clips themselves: the resamples are shifted by their mean's distance from the figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

_CELLS = 8_000_000  # weights held at a time: 32 MB


@dataclass(frozen=True, slots=True)
class Units:
    """What is resampled.

    Args:
        index: [R] the unit each clip belongs to, 0 to count - 1.
        count: how many units there are.
        name: "group" or "clip".
        note: what that means for the interval, as one sentence.
    """

    index: NDArray[np.int64]
    count: int
    name: str
    note: str


def units(groups: Sequence[str], clips: int) -> Units:
    """Groups where they are known; else clips, saying so.

    Args:
        groups: the group of each clip, "" where unknown; empty where there are none at all.
        clips: R.

    Returns:
        A clip of unknown group among known ones is a unit of its own.
    """
    named = sorted({g for g in groups if g})
    if len(named) < 2:
        why = f"all clips are of one group ({named[0]})" if named else "groups are unknown"
        note = f"resampled over {clips} clips, as {why}: too narrow where clips are related"
        return Units(np.arange(clips), clips, "clip", note)
    place = {g: i for i, g in enumerate(named)}
    index = np.empty(clips, np.int64)
    count = len(named)
    for row, group in enumerate(groups):
        if group:
            index[row] = place[group]
        else:
            index[row], count = count, count + 1
    alone = count - len(named)
    note = f"resampled over {len(named)} groups" + (f" and {alone} clips of unknown group" if alone else "")
    if count < 10:
        note += ": so few that the interval is rough"
    return Units(index, count, "group", note)


def draws(units: Units, *, seed: int, resamples: int) -> Iterator[NDArray[np.float32]]:
    """How often each clip was drawn, in blocks of resamples that fit into memory.

    Args:
        units: what is resampled.
        seed: the only source of chance; the blocks' sizes do not matter.
        resamples: B in all.

    Yields:
        [R, b] whole numbers.
    """
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS // max(len(units.index), units.count))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(0, units.count, (rows, units.count)) + np.arange(rows)[:, None] * units.count
        counts = np.bincount(drawn.ravel(), minlength=rows * units.count).reshape(rows, units.count)
        yield np.ascontiguousarray(counts.T.astype(np.float32)[units.index])


def interval(value: float, values: NDArray[np.float64], *, count: int) -> tuple[float, float]:
    """The expanded 95 % percentile interval, without the resamples' bias.

    Where every resample is as perfect as the clips are, resampling says nothing; the interval then reaches to the share of right units that
    would still be all right by chance once in 40 times (Clopper and Pearson 1934).

    Args:
        value: the figure on the clips themselves.
        values: [B] the figure in each resample; NaN where it was not defined.
        count: units resampled.

    Returns:
        Low and high; NaN where the figure was defined in no resample.
    """
    held = values[np.isfinite(values)]
    if not len(held):
        return float("nan"), float("nan")
    if value in {0.0, 1.0} and (held == value).all():
        reach = 1 - 0.025 ** (1 / count)
        return (0.0, reach) if value == 0.0 else (1 - reach, 1.0)
    tail = tail_share(count)
    low, high = np.quantile(held, [tail, 1 - tail]) + (value - held.mean())
    if held.min() >= 0 and held.max() <= 1:
        low, high = max(low, 0.0), min(high, 1.0)
    return float(low), float(high)


def mean(values: NDArray[np.float64], units: Units, *, seed: int, resamples: int = 1000) -> dict[str, float | None]:
    """A mean over clips with its interval, as metrics.json has figures.

    Args:
        values: [R] one a clip.
        units: what is resampled.
        seed: the only source of chance.
        resamples: of the bootstrap.

    Returns:
        `value`, `low` and `high`; None where there is no clip.
    """
    if not len(values):
        return {"value": None, "low": None, "high": None}
    drawn = np.concatenate([values @ weights / weights.sum(axis=0) for weights in draws(units, seed=seed, resamples=resamples)])
    low, high = interval(float(values.mean()), drawn, count=units.count)
    return {"value": float(values.mean()), "low": low, "high": high}


def tail_share(count: int) -> float:
    """Share of resamples cut off at each end: 0.025 for many units, less for few.

    >>> round(tail_share(10**6), 4), round(tail_share(10), 4)
    (0.025, 0.0086)
    """
    if count < 2:
        return 0.0
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    return NormalDist().cdf(float(stdtrit(count - 1, 0.025)) * math.sqrt(count / (count - 1)))
