"""The battery for deciders: probabilities over time in, decisions out, all state explicit."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.contracts._signature import signature
from auricle.contracts._verdict import Check, Verdict, demand, verdicts
from auricle.types import Decision

_LABELS = ("bark", "rain", "speech")
_HOP = 0.1


def deciders(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on a decider.

    Args:
        make: its class, or a partial of it; called without arguments.

    Yields:
        One verdict a check.
    """
    yield from verdicts(_checks(make))


def _checks(make: Callable[..., Any]) -> Iterator[Check]:
    yield "made", lambda: _made(make)
    yield "signature", lambda: signature(make, ())
    yield "decisions", lambda: _decisions(make)
    yield "two streams", lambda: _interleaved(make)
    yield "inputs untouched", lambda: _untouched(make)
    yield "extremes", lambda: _extremes(make)
    yield "no torch", lambda: _light(make)


def _made(make: Callable[..., Any]) -> str:
    decider = make()
    for name in ("start", "step", "finish"):
        demand(callable(getattr(decider, name, None)), f"it has no method {name}; add it")
    return "made without arguments"


def _probabilities(steps: int, seed: int) -> NDArray[np.float64]:
    """[steps, K] smooth: each label rises and falls, so that every threshold is crossed both ways."""
    phase = np.random.default_rng(seed).random(len(_LABELS))
    at = np.arange(steps)[:, None] / 25
    raised = 0.5 + 0.5 * np.sin(2 * np.pi * (at + phase))
    return np.asarray(raised / raised.sum(1, keepdims=True).clip(min=1.0))


def _run(decider: Any, rows: NDArray[np.float64]) -> list[Decision]:
    state = decider.start(_LABELS)
    found: list[Decision] = []
    for step, row in enumerate(rows):
        decisions, state = decider.step(row, step * _HOP, (step + 1) * _HOP, state)
        found += decisions
    return found + list(decider.finish(state))


def _decisions(make: Callable[..., Any]) -> str:
    rows = _probabilities(200, 0)
    found = _run(make(), rows)
    demand(bool(found), "20 s in which every label rises above and falls below its neighbours gave no decision at all")
    for each in found:
        demand(isinstance(each, Decision), f"it gave a {type(each).__name__}; wanted auricle.types.Decision")
        demand(each.label in _LABELS, f"it decided {each.label!r}, which is not one of the labels it was started with")
        demand(0.0 <= each.score <= 1.0, f"the score of {each.label} is {each.score}; wanted a probability")
        inside = 0.0 <= each.start <= each.stop <= len(rows) * _HOP + 1e-9
        demand(inside, f"{each.label} lasts from {each.start:.2f} to {each.stop:.2f} s, outside of what was heard")
    for label in _LABELS:
        own = [each for each in found if each.label == label]
        apart = all(a.stop <= b.start + 1e-9 for a, b in pairwise(own))
        demand(apart, f"decisions for {label} overlap or are out of order")
    demand(_run(make(), rows) == found, "the same probabilities gave other decisions the second time")
    return f"{len(found)} decisions, in order, inside what was heard"


def _interleaved(make: Callable[..., Any]) -> str:
    decider = make()
    clips = [_probabilities(100, seed) for seed in (1, 2)]
    alone = [_run(make(), rows) for rows in clips]
    states = [decider.start(_LABELS) for _ in clips]
    found: list[list[Decision]] = [[], []]
    for step in range(100):
        for i, rows in enumerate(clips):
            decisions, states[i] = decider.step(rows[step], step * _HOP, (step + 1) * _HOP, states[i])
            found[i] += decisions
    for i in range(2):
        demand(
            found[i] + list(decider.finish(states[i])) == alone[i], "two streams of one decider disturb each other; keep state in the state"
        )
    return "two streams that take turns decide as each does alone"


def _untouched(make: Callable[..., Any]) -> str:
    decider = make()
    state = decider.start(_LABELS)
    for step, row in enumerate(_probabilities(60, 3)):
        kept, before = row.copy(), copy.deepcopy(state)
        _, after = decider.step(row, step * _HOP, (step + 1) * _HOP, state)
        demand(bool(np.array_equal(row, kept)), "it changed the probabilities in place; work on a copy")
        demand(_equal(state, before), "step changed the state it was given; return a new one")
        state = after
    return "probabilities and states stay as they were"


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return bool(np.array_equal(a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_equal(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def _extremes(make: Callable[..., Any]) -> str:
    for rows in (np.zeros((30, 3)), np.ones((30, 3)), np.tile([1.0, 0.0, 0.0], (30, 1)), np.zeros((0, 3))):
        _run(make(), rows)
    return "nothing, everything, and an empty stream are no trouble"


def _light(make: Callable[..., Any]) -> str:
    module = inspect.getmodule(make.func if hasattr(make, "func") else make)
    named = {value.__name__.partition(".")[0] for value in vars(module).values() if inspect.ismodule(value)} if module else set()
    heavy = named & {"torch", "scipy", "sklearn", "pandas"}
    demand(not heavy, f"it imports {', '.join(sorted(heavy))}; a decider runs on the target, with numpy alone")
    return "numpy alone"
