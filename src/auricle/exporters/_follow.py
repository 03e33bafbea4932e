"""Probabilities over time from an exported model: exactly where it streams, by overlapping windows otherwise. No torch."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from auricle.exporters._runner import Runner
from auricle.types import Seconds


class Follow(Protocol):
    """Probabilities over time."""

    hop: Seconds

    def step(self, chunk: NDArray[np.float32]) -> list[tuple[Seconds, Seconds, NDArray[np.float32]]]:
        """What the next samples complete: begin, end, [K] probabilities over the window that ends there."""
        ...

    def finish(self) -> list[tuple[Seconds, Seconds, NDArray[np.float32]]]:
        """The last, shorter stretch."""
        ...


class Exact:
    """The model's own streaming form; each sample is computed once.

    Args:
        runner: a model that streams.
        hop: seconds from one answer to the next, rounded to steps; 0 takes each step.
    """

    def __init__(self, runner: Runner, hop: Seconds) -> None:
        facts = runner.facts
        self._runner = runner
        self._every = max(1, round(hop * facts.sample_rate / facts.hop))
        self._rate = facts.sample_rate
        self._step = facts.hop
        self._state = self._runner.start()
        self._track = np.zeros((len(facts.labels), 0), np.float32)
        self._rows = 0
        self._samples = 0
        self.hop = self._every * facts.hop / facts.sample_rate

    def step(self, chunk: NDArray[np.float32]) -> list[tuple[Seconds, Seconds, NDArray[np.float32]]]:
        """See `Follow.step`."""
        self._samples += len(chunk)
        track, self._state = self._runner.step(chunk[None], self._state)
        self._track = np.concatenate([self._track, track[0]], axis=-1)
        found = []
        while self._track.shape[-1] >= self._every:
            found.append((self._rows * self.hop, (self._rows + 1) * self.hop, self._track[:, self._every - 1]))
            self._track = self._track[:, self._every :]
            self._rows += 1
        return found

    def finish(self) -> list[tuple[Seconds, Seconds, NDArray[np.float32]]]:
        """See `Follow.finish`: silence completes the last step, as it does for a short clip."""
        end = self._samples / self._rate
        begin = self._rows * self.hop
        if end <= begin:
            return []
        missing = -len(self._state["wave"][0]) % self._step + self._runner.facts.overlap + self._step
        track, _ = self._runner.step(np.zeros((1, missing), np.float32), self._state)
        steps = max(1, -(-self._samples // self._step) - self._rows * self._every)
        joined = np.concatenate([self._track, track[0]], axis=-1)
        return [(begin, end, joined[:, min(steps, joined.shape[-1]) - 1])]


class Overlapping:
    """Whole windows, one after the other, each computed anew: for models without an exact streaming form.

    Args:
        runner: any model.
        hop: seconds from one window to the next; 0 takes a tenth of the window, at most half a second.
    """

    def __init__(self, runner: Runner, hop: Seconds) -> None:
        self._runner = runner
        self._rate = runner.facts.sample_rate
        self._samples = max(1, round((hop or min(0.5, runner.facts.seconds / 10)) * self._rate))
        self._past = np.zeros(0, np.float32)
        self._new = np.zeros(0, np.float32)
        self._rows = 0
        self.hop = self._samples / self._rate

    def step(self, chunk: NDArray[np.float32]) -> list[tuple[Seconds, Seconds, NDArray[np.float32]]]:
        """See `Follow.step`."""
        self._new = np.concatenate([self._new, chunk])
        found = []
        while len(self._new) >= self._samples:
            found.append(self._next(self._samples))
        return found

    def finish(self) -> list[tuple[Seconds, Seconds, NDArray[np.float32]]]:
        """See `Follow.finish`."""
        return [self._next(len(self._new))] if len(self._new) else []

    def _next(self, count: int) -> tuple[Seconds, Seconds, NDArray[np.float32]]:
        self._past = np.concatenate([self._past, self._new[:count]])[-self._runner.facts.win :]
        self._new = self._new[count:]
        begin = self._rows * self.hop
        self._rows += 1
        return begin, begin + count / self._rate, self._runner.score(self._past)
