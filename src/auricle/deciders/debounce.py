"""Hysteresis cleaned for people: pauses bridged, blips dropped, and a rest after each decision, as an alarm needs it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auricle.deciders._episode import Episodes, advance, shown
from auricle.deciders.hysteresis import Hysteresis
from auricle.errors import RequestError
from auricle.types import Decision, Seconds


class Debounce:
    """Two thresholds, then times; with `on` equal to `off` it is a debounced threshold.

    Args:
        on: probability at which a label begins.
        off: probability below which it ends; at most `on`.
        each: one `on` a label instead, in the order of the labels; its `off` is then in proportion.
        min_seconds: shorter decisions are dropped, and a running one is not told before.
        max_gap_seconds: shorter pauses don't end a decision.
        refractory_seconds: after a decision its label doesn't begin again for so long.
    """

    def __init__(
        self,
        *,
        on: float = 0.6,
        off: float = 0.4,
        each: tuple[float, ...] = (),
        min_seconds: float = 0.2,
        max_gap_seconds: float = 0.3,
        refractory_seconds: float = 0.0,
    ) -> None:
        self.trigger = Hysteresis(on=on, off=off, each=each)
        self.min_seconds = min_seconds
        self.max_gap_seconds = max_gap_seconds
        self.refractory_seconds = refractory_seconds
        for name in ("min_seconds", "max_gap_seconds", "refractory_seconds"):
            if getattr(self, name) < 0:
                raise RequestError(f"{name} is {getattr(self, name)}; wanted 0 or more")

    def start(self, labels: tuple[str, ...]) -> Episodes:
        """The state before anything was heard."""
        return self.trigger.start(labels)

    def step(self, probabilities: NDArray[np.float32], start: Seconds, stop: Seconds, state: Episodes) -> tuple[list[Decision], Episodes]:
        """Decisions that end with this stretch; one ends when its pause has outlasted `max_gap_seconds`.

        Args:
            probabilities: [K] calibrated.
            start: seconds.
            stop: seconds.
            state: what `start` or the last `step` gave; it is not changed.

        Returns:
            The finished decisions and the next state.
        """
        return advance(
            probabilities,
            state,
            self.trigger.active,
            start=start,
            stop=stop,
            min_seconds=self.min_seconds,
            max_gap=self.max_gap_seconds,
            refractory=self.refractory_seconds,
        )

    def running(self, state: Episodes) -> list[Decision]:
        """Decisions that have begun, lasted long enough and not ended."""
        return shown(state, self.min_seconds)

    def finish(self, state: Episodes) -> list[Decision]:
        """What was still running at the end, if long enough."""
        return shown(state, self.min_seconds)
