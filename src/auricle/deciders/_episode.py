"""What all deciders share: labels that are active become episodes with a beginning, an end and their highest probability."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from auricle.errors import RequestError, ShapeError
from auricle.types import Decision, Seconds

_INSTANT = 1e-9  # seconds; times are sums of binary fractions

Rule = Callable[[NDArray[np.float32], frozenset[int]], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Episodes:
    """A decider's state; each step makes a new one.

    Args:
        labels: class names, in the order of the probabilities.
        running: label index to its begun and unfinished episode, as it stands.
        active: label indices that the last step called active.
        quiet_until: label index to the second before which it may not begin again.
    """

    labels: tuple[str, ...]
    running: dict[int, Decision] = field(default_factory=dict)
    active: frozenset[int] = frozenset()
    quiet_until: dict[int, Seconds] = field(default_factory=dict)


def advance(
    probabilities: NDArray[np.float32],
    state: Episodes,
    rule: Rule,
    *,
    start: Seconds,
    stop: Seconds,
    min_seconds: Seconds = 0.0,
    max_gap: Seconds = 0.0,
    refractory: Seconds = 0.0,
) -> tuple[list[Decision], Episodes]:
    """Episodes that end with this stretch, and the next state.

    Args:
        probabilities: [K] calibrated, of this stretch.
        state: before it.
        rule: which labels are active, given the probabilities and those that were.
        start: seconds.
        stop: seconds.
        min_seconds: shorter episodes are dropped.
        max_gap: shorter pauses don't end an episode.
        refractory: after a finished episode its label doesn't begin again for so long.

    Returns:
        The finished episodes, ordered by their beginning, and the next state.

    Raises:
        ShapeError: not one probability a label.
    """
    if probabilities.shape != (len(state.labels),):
        raise ShapeError(f"the probabilities are of shape {probabilities.shape}; wanted one for each of {len(state.labels)} labels")
    active = frozenset(int(k) for k in np.flatnonzero(rule(probabilities, state.active)))
    running, quiet = dict(state.running), dict(state.quiet_until)
    done: list[Decision] = []
    for k, episode in list(running.items()):
        over = start - episode.stop > max_gap + _INSTANT if k in active else stop - episode.stop > max_gap + _INSTANT
        if over:
            del running[k]
            if _long(episode, min_seconds):
                done.append(episode)
                quiet[k] = episode.stop + refractory
    for k in sorted(active):
        score = float(probabilities[k])
        if k in running:
            running[k] = replace(running[k], stop=stop, score=max(running[k].score, score))
        elif start >= quiet.get(k, -np.inf) - _INSTANT:
            running[k] = Decision(state.labels[k], score, start, stop)
    return sorted(done, key=lambda d: (d.start, d.label)), Episodes(state.labels, running, active, quiet)


def shown(state: Episodes, min_seconds: Seconds = 0.0) -> list[Decision]:
    """Episodes that have begun, are long enough to count, and have not ended.

    Args:
        state: after some step.
        min_seconds: as in `advance`.

    Returns:
        Ordered by their beginning.
    """
    return sorted((e for e in state.running.values() if _long(e, min_seconds)), key=lambda d: (d.start, d.label))


def thresholds(given: tuple[float, ...], otherwise: float, labels: int) -> NDArray[np.float64]:
    """One threshold a label.

    Args:
        given: one a label, or empty.
        otherwise: the threshold where none is given.
        labels: K.

    Returns:
        [K] thresholds.

    Raises:
        RequestError: given, but not one a label.
    """
    if given and len(given) != labels:
        raise RequestError(f"there are {len(given)} thresholds for {labels} labels; wanted one a label")
    return np.array(given, dtype=np.float64) if given else np.full(labels, otherwise)


def refuse_unless_probability(**values: float) -> None:
    """Settings that must lie in 0 … 1.

    Args:
        **values: by name.

    Raises:
        RequestError: one does not.
    """
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise RequestError(f"{name} is {value}; wanted a probability from 0 to 1")


def _long(episode: Decision, min_seconds: Seconds) -> bool:
    return episode.stop - episode.start >= min_seconds - _INSTANT
