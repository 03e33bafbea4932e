from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given as cases
from hypothesis import settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from auricle.metrics._ranks import average_precision
from auricle.metrics.mean_average_precision import MeanAveragePrecision


def _sklearn(probabilities, rows):
    present = np.flatnonzero(rows.any(axis=0))
    return np.mean([average_precision_score(rows[:, k], probabilities[:, k]) for k in present])


def test_equals_scikit_learn_with_heavy_ties_and_absent_classes(given):
    assert abs(MeanAveragePrecision()(given.probabilities, given.rows) - _sklearn(given.probabilities, given.rows)) <= 1e-12


@cases(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=40).filter(lambda rows: any(r[1] for r in rows)))
@settings(max_examples=200, deadline=None)
def test_equals_scikit_learn_on_anything(rows):
    scores, positive = np.array([float(r[0]) for r in rows]), np.array([r[1] for r in rows])
    assert abs(average_precision(scores, positive) - average_precision_score(positive, scores)) <= 1e-12


def test_absent_classes_are_left_out_of_the_mean():
    p = np.array([[0.9, 0.8, 0.3], [0.1, 0.2, 0.4]])
    rows = np.array([[1, 0, 0], [0, 1, 0]])
    assert MeanAveragePrecision()(p, rows) == pytest.approx((1.0 + 0.5) / 2)


def test_only_the_order_counts(given):
    metric = MeanAveragePrecision()
    assert metric(np.exp(3 * given.probabilities), given.rows) == metric(given.probabilities, given.rows)


def test_much_faster_than_a_curve_with_a_point_a_clip():
    rng = np.random.default_rng(0)
    p, rows = rng.random((5000, 60)).astype(np.float32), (rng.random((5000, 60)) < 0.01).astype(float)

    def seconds(figure):
        start = time.perf_counter()
        figure(p, rows)
        return time.perf_counter() - start

    ours = min(seconds(MeanAveragePrecision()) for _ in range(3))
    assert ours * 2 < min(seconds(_sklearn) for _ in range(2))
