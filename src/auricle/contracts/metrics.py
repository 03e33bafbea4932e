"""The battery for metrics: `(probabilities [R, K], truth [R] or [R, K]) -> float`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from auricle.contracts._signature import signature
from auricle.contracts._verdict import Check, Verdict, demand, verdicts
from auricle.types import TaskKind

_ROWS, _CLASSES = 60, 4


def metrics(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on a metric.

    Args:
        make: its class, or a partial of it; called without arguments.

    Yields:
        One verdict a check.
    """
    yield from verdicts(_checks(make))


def _checks(make: Callable[..., Any]) -> Iterator[Check]:
    yield "made", lambda: _made(make)
    yield "signature", lambda: signature(make, ())
    checks = {"better": _direction, "order of rows": _order, "inputs untouched": _untouched, "resampled": _resampled}
    for kind in make().kinds:
        for name, check in checks.items():
            if name != "resampled" or hasattr(make(), name):
                yield f"{kind}: {name}", partial(check, make(), kind)


def _made(make: Callable[..., Any]) -> str:
    metric = make()
    kinds = getattr(metric, "kinds", ())
    legal = get_args(TaskKind)
    demand(bool(kinds) and set(kinds) <= set(legal), f"its attribute kinds is {kinds!r}; wanted some of {', '.join(legal)}")
    demand(getattr(metric, "better", "") in ("higher", "lower"), 'its attribute better must be "higher" or "lower"')
    return f"for {', '.join(kinds)} tasks, {metric.better} is better"


def _case(kind: str, *, quality: float) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Probabilities that know the truth to a share of `quality`, 1 being perfect."""
    rng = np.random.default_rng(0)
    if kind == "wave":
        clean = rng.standard_normal((_ROWS, 50))
        return quality * clean + (1 - quality) * rng.standard_normal(clean.shape), clean
    index = rng.permutation(np.arange(_ROWS) % _CLASSES)
    hot = np.eye(_CLASSES)[index]
    if kind != "single":
        hot[:, 0] = rng.permutation(np.arange(_ROWS) % 2)
    noise = rng.random((_ROWS, _CLASSES))
    if kind == "distribution":
        shares = (hot + np.eye(_CLASSES)[index]) / (hot + np.eye(_CLASSES)[index]).sum(1, keepdims=True)
        return quality * shares + (1 - quality) * noise / noise.sum(1, keepdims=True), shares
    mixed = quality * hot + (1 - quality) * noise
    if kind == "single":
        return mixed / mixed.sum(1, keepdims=True), index
    return mixed, hot.astype(np.int64)


def _direction(metric: Any, kind: str) -> str:
    good, bad = (float(metric(*_case(kind, quality=q))) for q in (1.0, 0.1))
    demand(np.isfinite([good, bad]).all().item(), f"it gives {good} for perfect and {bad} for poor probabilities; wanted numbers")
    right = good > bad if metric.better == "higher" else good < bad
    demand(right, f"perfect probabilities give {good:.4g}, poor ones {bad:.4g}, but {metric.better} is said to be better")
    return f"perfect probabilities give {good:.3g}, poor ones {bad:.3g}"


def _order(metric: Any, kind: str) -> str:
    probabilities, truth = _case(kind, quality=0.4)
    order = np.random.default_rng(1).permutation(_ROWS)
    first, second = metric(probabilities, truth), metric(probabilities[order], truth[order])
    demand(abs(first - second) < 1e-9, f"the order of rows changes it from {first:.6g} to {second:.6g}")
    return "the order of rows does not count"


def _untouched(metric: Any, kind: str) -> str:
    probabilities, truth = _case(kind, quality=0.4)
    kept = probabilities.copy(), truth.copy()
    metric(probabilities, truth)
    demand(np.array_equal(probabilities, kept[0]) and np.array_equal(truth, kept[1]), "it changed its inputs in place; work on copies")
    return "inputs stay as they were"


def _resampled(metric: Any, kind: str) -> str:
    probabilities, truth = _case(kind, quality=0.4)
    rng = np.random.default_rng(2)
    drawn = rng.integers(0, _ROWS, (_ROWS, 5))
    weights = np.stack([np.bincount(column, minlength=_ROWS) for column in drawn.T], axis=1).astype(np.float32)
    found = metric.resampled(probabilities, truth, weights)
    slow = [float(metric(probabilities[column], truth[column])) for column in drawn.T]
    worst = float(np.abs(found - slow).max())
    demand(worst < 1e-5, f"resampled differs by {worst:.2g} from the metric of the rows that were drawn")
    return f"five resamples equal the metric of their rows, to {worst:.0e}"
