"""Deliberately broken metrics, each caught by the check that is there for it."""

from __future__ import annotations

from auricle.contracts.metrics import metrics
from auricle.metrics.accuracy import Accuracy


class SaysLower(Accuracy):
    better = "lower"


class CountsTheFirstHalf(Accuracy):
    def __call__(self, probabilities, truth):
        return super().__call__(probabilities[: len(truth) // 2], truth[: len(truth) // 2])


class Sorts(Accuracy):
    def __call__(self, probabilities, truth):
        found = super().__call__(probabilities, truth)
        probabilities.sort(axis=1)
        return found


class IgnoresWeights(Accuracy):
    def resampled(self, probabilities, truth, weights):
        return super().resampled(probabilities, truth, weights * 0 + 1)


def failed(kind) -> set[str]:
    return {v.name for v in metrics(kind) if not v.passed}


def test_each_fault_is_caught_by_its_check():
    assert "single: better" in failed(SaysLower)
    assert "single: order of rows" in failed(CountsTheFirstHalf)
    assert "single: inputs untouched" in failed(Sorts)
    assert "single: resampled" in failed(IgnoresWeights)
