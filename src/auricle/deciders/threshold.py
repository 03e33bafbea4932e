"""Every label whose probability reaches its threshold, for as long as it does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auricle.deciders._episode import Episodes, advance, refuse_unless_probability, shown, thresholds
from auricle.types import Decision, Seconds


class Threshold:
    """Any number of labels at a time.

    Args:
        threshold: for labels without one of their own.
        each: one threshold a label, in the order of the labels, or none.
    """

    def __init__(self, *, threshold: float = 0.5, each: tuple[float, ...] = ()) -> None:
        refuse_unless_probability(threshold=threshold)
        self.threshold = threshold
        self.each = tuple(each)

    def start(self, labels: tuple[str, ...]) -> Episodes:
        """The state before anything was heard."""
        thresholds(self.each, self.threshold, len(labels))
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
        return advance(probabilities, state, self._rule, start=start, stop=stop)

    def running(self, state: Episodes) -> list[Decision]:
        """Decisions that have begun and not ended."""
        return shown(state)

    def finish(self, state: Episodes) -> list[Decision]:
        """What was still running at the end."""
        return shown(state)

    def _rule(self, probabilities: NDArray[np.float32], active: frozenset[int]) -> NDArray[np.bool_]:  # noqa: ARG002 - the rule's signature
        reached: NDArray[np.bool_] = probabilities >= thresholds(self.each, self.threshold, len(probabilities))
        return reached
