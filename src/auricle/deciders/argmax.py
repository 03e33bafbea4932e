"""The most probable label at each moment; neighbouring moments of one label are one decision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auricle.deciders._episode import Episodes, advance, refuse_unless_probability, shown
from auricle.types import Decision, Seconds


class Argmax:
    """One label at a time.

    Args:
        threshold: where even the most probable label is below it, there is no decision.
    """

    def __init__(self, *, threshold: float = 0.0) -> None:
        refuse_unless_probability(threshold=threshold)
        self.threshold = threshold

    def start(self, labels: tuple[str, ...]) -> Episodes:
        """The state before anything was heard."""
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
        top = np.zeros(len(probabilities), dtype=bool)
        k = int(np.argmax(probabilities))
        top[k] = probabilities[k] >= self.threshold and probabilities[k] > 0
        return top
