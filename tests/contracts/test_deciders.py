"""Deliberately broken deciders, each caught by the check that is there for it."""

from __future__ import annotations

import dataclasses

from auricle.contracts.deciders import deciders
from auricle.deciders.argmax import Argmax


class OneStateForAll(Argmax):
    def __init__(self, *, threshold: float = 0.0) -> None:
        super().__init__(threshold=threshold)
        self.kept = None

    def step(self, probabilities, start, stop, state):
        decisions, self.kept = super().step(probabilities, start, stop, self.kept or state)
        return decisions, self.kept


class ScoresInPercent(Argmax):
    def step(self, probabilities, start, stop, state):
        decisions, after = super().step(probabilities, start, stop, state)
        return [dataclasses.replace(d, score=100 * d.score) for d in decisions], after


class Rescales(Argmax):
    def step(self, probabilities, start, stop, state):
        probabilities /= 2
        return super().step(probabilities, start, stop, state)


class InventsALabel(Argmax):
    def finish(self, state):
        return [dataclasses.replace(d, label="?") for d in super().finish(state)]


def failed(kind) -> set[str]:
    return {v.name for v in deciders(kind) if not v.passed}


def test_each_fault_is_caught_by_its_check():
    assert "two streams" in failed(OneStateForAll)
    assert "decisions" in failed(ScoresInPercent)
    assert "inputs untouched" in failed(Rescales)
    assert "decisions" in failed(InventsALabel)
