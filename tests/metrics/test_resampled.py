"""Every metric of classes, by its two ways: a resample by weights equals the plain figure on the repeated clips."""

from __future__ import annotations

import numpy as np
import pytest
from tests.metrics.conftest import Answers, answers, shares

from auricle import catalog
from auricle.types import Spec

NAMES = [name for name in catalog.names("metrics") if "wave" not in catalog.make("metrics", Spec(name)).kinds]


def _truths(metric, given: Answers):
    truths = {"single": given.truth, "multi": given.rows, "distribution": shares(given)}
    found = [truth for kind, truth in truths.items() if kind in metric.kinds]
    assert found
    return found


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_repetitions(name, given):
    metric = catalog.make("metrics", Spec(name))
    rng = np.random.default_rng(5)
    weights = rng.poisson(1.0, (len(given.truth), 6)).astype(np.float32)
    for truth in _truths(metric, given):
        fast = metric.resampled(given.probabilities, truth, weights)
        for column, value in zip(weights.T.astype(int), fast, strict=True):
            drawn = np.repeat(np.arange(len(truth)), column)
            assert value == pytest.approx(metric(given.probabilities[drawn], truth[drawn]), abs=2e-6), name


@pytest.mark.parametrize("name", NAMES)
def test_order_of_clips_does_not_matter(name, given):
    metric = catalog.make("metrics", Spec(name))
    shuffled = np.random.default_rng(0).permutation(len(given.truth))
    for truth in _truths(metric, given):
        assert metric(given.probabilities[shuffled], truth[shuffled]) == pytest.approx(metric(given.probabilities, truth), abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_better_is_the_direction_of_skill(name):
    """An answer mixed with the truth must be on the `better` side of the answer itself."""
    metric = catalog.make("metrics", Spec(name))
    given = answers(9, absent=0)
    for truth in _truths(metric, given):
        hot = np.eye(7)[truth] if truth.ndim == 1 else truth
        improved = 0.05 * given.probabilities + 0.95 * hot
        before, after = metric(given.probabilities, truth), metric(improved, truth)
        assert after > before if metric.better == "higher" else after < before


def test_a_resample_without_any_class_has_no_figure():
    p, truth = np.random.default_rng(0).random((6, 3)), np.zeros((6, 3))
    weights = np.ones((6, 2), np.float32)
    for name in ("mean_average_precision", "area_under_curve", "equal_error_rate", "d_prime"):
        assert np.isnan(catalog.make("metrics", Spec(name)).resampled(p, truth, weights)).all(), name
