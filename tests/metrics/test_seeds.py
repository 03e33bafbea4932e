"""Figures over seeds: means of scikit-learn's, intervals drawn by hand, differences on the same draws."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from auricle.metrics._seeds import repeated

GROUPS = [f"g{i // 10}" for i in range(200)]


def answers(chance: np.random.Generator, right: float) -> tuple[np.ndarray, np.ndarray]:
    truth = chance.integers(0, 4, 200)
    easy = np.repeat(chance.uniform(-0.2, 0.2, 20), 10)  # groups differ
    hit = chance.uniform(size=200) < right + easy
    return truth, np.where(hit, truth, (truth + chance.integers(1, 4, 200)) % 4)


def test_values_are_means_over_the_seeds():
    chance = np.random.default_rng(0)
    truth, one = answers(chance, 0.6)
    two = np.where(chance.uniform(size=200) < 0.2, (one + 1) % 4, one)
    found = repeated([one, two], truth, GROUPS, classes=4)
    assert found["accuracy"].score.value == pytest.approx(((one == truth).mean() + (two == truth).mean()) / 2)
    uar = [balanced_accuracy_score(truth, each) for each in (one, two)]
    assert found["balanced_accuracy"].seeds == pytest.approx(uar)
    macro = np.mean([f1_score(truth, each, average="macro") for each in (one, two)])
    assert found["macro_f1"].score.value == pytest.approx(macro)


def test_the_interval_is_that_of_the_groups_means():
    """Accuracy over groups of one size is a mean of 20 numbers: its interval is nearly the t interval of that mean."""
    chance = np.random.default_rng(1)
    truth, one = answers(chance, 0.6)
    two = np.where(chance.uniform(size=200) < 0.2, (one + 1) % 4, one)
    means = (1.0 * (one == truth) + (two == truth)).reshape(20, 10).mean(1) / 2
    half = 2.093 * means.std(ddof=1) / np.sqrt(20)
    score = repeated([one, two], truth, GROUPS, classes=4, resamples=4000)["accuracy"].score
    assert score.high - score.low == pytest.approx(2 * half, rel=0.1)


def test_a_difference_is_drawn_from_the_same_groups():
    chance = np.random.default_rng(2)
    truth, one = answers(chance, 0.6)
    other = one.copy()
    other[::20] = truth[::20]  # a little better everywhere
    first, second = (repeated([each], truth, GROUPS, classes=4)["accuracy"] for each in (one, other))
    gain = second.above(first)
    assert gain.value == pytest.approx((other == truth).mean() - (one == truth).mean())
    assert gain.low < gain.value < gain.high
    assert gain.high - gain.low < (first.score.high - first.score.low) / 2
    none = first.above(first)
    assert (none.value, none.low, none.high) == (0, 0, 0)
