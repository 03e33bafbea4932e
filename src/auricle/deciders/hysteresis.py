"""A label begins when its probability reaches `on` and ends when it falls below `off`, so that it doesn't flicker around one threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auricle.deciders._episode import Episodes, advance, refuse_unless_probability, shown, thresholds
from auricle.errors import RequestError
from auricle.types import Decision, Seconds


class Hysteresis:
    """Two thresholds, as a Schmitt trigger has them.

    Args:
        on: probability at which a label begins.
        off: probability below which it ends; at most `on`.
        each: one `on` a label instead, in the order of the labels; its `off` is then in proportion.
    """

    def __init__(self, *, on: float = 0.6, off: float = 0.4, each: tuple[float, ...] = ()) -> None:
        refuse_unless_probability(on=on, off=off)
        if off > on:
            raise RequestError(f"off is {off} and on is {on}; wanted off <= on")
        self.on = on
        self.off = off
        self.each = tuple(each)

    def start(self, labels: tuple[str, ...]) -> Episodes:
        """The state before anything was heard."""
        thresholds(self.each, self.on, len(labels))
        return Episodes(labels)

    def step(self, probabilities: NDArray[np.float32], start: Seconds, stop: Seconds, state: Episodes) -> tuple[list[Decision], Episodes]:
        """Decisions that end with this stretch.

        Args:
            probabilities: [K] calibrated.
            start: seconds.
            stop: seconds.
            state: what `start` or the last `step` gave; it is not changed.

        Returns:
            The finished decisions and the next state.
        """
        return advance(probabilities, state, self.active, start=start, stop=stop)

    def running(self, state: Episodes) -> list[Decision]:
        """Decisions that have begun and not ended."""
        return shown(state)

    def finish(self, state: Episodes) -> list[Decision]:
        """What was still running at the end."""
        return shown(state)

    def active(self, probabilities: NDArray[np.float32], before: frozenset[int]) -> NDArray[np.bool_]:
        """Which labels are active now.

        Args:
            probabilities: [K] calibrated.
            before: indices of those that were.

        Returns:
            [K] true where active.
        """
        on = thresholds(self.each, self.on, len(probabilities))
        off = on * (self.off / self.on if self.on else 1.0)
        held = np.zeros(len(probabilities), dtype=bool)
        held[list(before)] = True
        # Probability 0 is what a silent stretch is given: nothing is held there, even with off = 0.
        active: NDArray[np.bool_] = np.where(held, probabilities >= off, probabilities >= on) & (probabilities > 0)
        return active
