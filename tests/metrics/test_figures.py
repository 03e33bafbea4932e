"""Figures against an independent implementation, a hand calculation or a slow obvious version."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score, roc_curve
from tests.metrics.conftest import answers

from auricle.metrics._ranks import area_under_curve
from auricle.metrics.accuracy import Accuracy
from auricle.metrics.area_under_curve import AreaUnderCurve
from auricle.metrics.balanced_accuracy import BalancedAccuracy
from auricle.metrics.calibration_error import CalibrationError
from auricle.metrics.d_prime import DPrime
from auricle.metrics.equal_error_rate import EqualErrorRate
from auricle.metrics.macro_f1 import MacroF1


def test_accuracy_and_balanced_accuracy_by_hand():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    truth = np.array([0, 0, 0, 1])
    assert Accuracy()(p, truth) == 0.75
    assert BalancedAccuracy()(p, truth) == 0.5


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_balanced_accuracy_leaves_absent_classes_out(given):
    expected = balanced_accuracy_score(given.truth, given.probabilities.argmax(axis=1))
    assert BalancedAccuracy()(given.probabilities, given.truth) == pytest.approx(expected, abs=1e-12)


def test_macro_f1_equals_scikit_learn(given):
    single = f1_score(given.truth, given.probabilities.argmax(axis=1), average="macro", zero_division=0.0)
    assert MacroF1()(given.probabilities, given.truth) == pytest.approx(single, abs=1e-12)
    named = given.probabilities >= 0.3
    seen = (named | (given.rows > 0)).any(axis=0)
    multi = f1_score(given.rows[:, seen].astype(int), named[:, seen].astype(int), average="macro", zero_division=0.0)
    assert MacroF1(threshold=0.3)(given.probabilities, given.rows) == pytest.approx(multi, abs=1e-12)


def test_area_by_ranks_is_the_share_of_pairs_in_order(given):
    for k in range(given.rows.shape[1]):
        positive = given.rows[:, k] > 0
        high, low = given.probabilities[positive, k][:, None], given.probabilities[~positive, k][None, :]
        pairs = np.mean((high > low) + 0.5 * (high == low)) if high.size and low.size else float("nan")
        assert area_under_curve(given.probabilities[:, k], positive) == pytest.approx(pairs, abs=1e-12, nan_ok=True)


def test_area_under_curve_leaves_absent_classes_out(given):
    present = [k for k in range(given.rows.shape[1]) if given.rows[:, k].any()]
    expected = np.mean([roc_auc_score(given.rows[:, k], given.probabilities[:, k]) for k in present])
    assert AreaUnderCurve()(given.probabilities, given.rows) == pytest.approx(expected, abs=1e-12)


def test_d_prime_of_two_normal_classes_is_the_distance_of_their_means():
    rng = np.random.default_rng(0)
    positive = np.arange(60_000) % 2 == 0
    scores = rng.normal(size=60_000) + 1.7 * positive
    rows = np.stack([positive, ~positive], axis=1).astype(float)
    both = np.stack([scores, -scores], axis=1)
    assert DPrime()(both, rows) == pytest.approx(1.7, abs=0.03)
    assert DPrime(convention="mean_d_prime")(both, rows) == pytest.approx(1.7, abs=0.03)


def test_the_two_conventions_of_d_prime_differ_where_classes_differ(given):
    areas = [roc_auc_score(given.rows[:, k], given.probabilities[:, k]) for k in range(7) if given.rows[:, k].any()]
    of_mean, mean_of = DPrime(), DPrime(convention="mean_d_prime")
    assert of_mean(given.probabilities, given.rows) == pytest.approx(math.sqrt(2) * norm.ppf(np.mean(areas)), abs=1e-9)
    assert mean_of(given.probabilities, given.rows) == pytest.approx(math.sqrt(2) * np.mean(norm.ppf(areas)), abs=1e-9)


def test_published_pair_of_area_and_d_prime():
    """PANNs (Kong et al. 2020, table VI): a mean area of 0.973 is printed as d' = 2.73."""
    assert math.sqrt(2) * norm.ppf(0.973) == pytest.approx(2.73, abs=0.01)
    positives = np.arange(2000) < 1000
    # Positives uniform on 0 to 1 and negatives on -a to 1 - a overlap so that the area is 1 - (1 - a)²/2 = 0.973.
    shift = 1 - math.sqrt(2 * 0.027)
    even = np.tile((np.arange(1000) + 0.5) / 1000, 2)
    scores = np.where(positives, even, even - shift)[:, None]
    assert DPrime()(scores, positives[:, None].astype(float)) == pytest.approx(2.73, abs=0.01)


def test_a_perfect_class_is_finitely_far():
    rows = np.array([[1.0], [0.0]])
    assert np.isfinite(DPrime()(np.array([[0.9], [0.1]]), rows))


def _error_by_hand(confidence, right, bins=15):
    total = 0.0
    for m in range(bins):
        inside = [i for i, c in enumerate(confidence) if (m / bins < c <= (m + 1) / bins) or (m == 0 and c == 0)]
        if inside:
            total += abs(np.mean([right[i] for i in inside]) - np.mean([confidence[i] for i in inside])) * len(inside)
    return total / len(confidence)


def test_calibration_error_is_guos_sum():
    given = answers(3)
    p, truth = given.probabilities, given.truth
    assert CalibrationError()(p, truth) == pytest.approx(_error_by_hand(p.max(axis=1), p.argmax(axis=1) == truth), abs=1e-12)
    classes = [_error_by_hand(p[:, k], given.rows[:, k] > 0) for k in range(7)]
    assert CalibrationError()(p, given.rows) == pytest.approx(np.mean(classes), abs=1e-12)


def test_calibration_error_of_a_boaster_and_of_an_honest_model():
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.5, 1.0, 40_000)
    p = np.stack([sure, 1 - sure], axis=1)
    honest = (rng.random(40_000) > sure).astype(int)
    assert CalibrationError()(p, honest) < 0.01
    assert CalibrationError()(np.array([[1.0, 0.0]] * 4), np.array([0, 1, 1, 1])) == pytest.approx(0.75)


def _equal_error_rate_by_curve(scores, positive):
    """The point of the joined ROC curve where misses equal false alarms, by bisection along the curve."""
    alarms, hits, _ = roc_curve(positive, scores, drop_intermediate=False)
    low, high = 0.0, 1.0
    along = np.linspace(0, 1, len(alarms))
    for _ in range(80):
        middle = (low + high) / 2
        a, h = np.interp(middle, along, alarms), np.interp(middle, along, hits)
        low, high = (middle, high) if a < 1 - h else (low, middle)
    return np.interp(low, along, alarms)


def test_equal_error_rate_is_where_the_curve_crosses(given):
    present = [k for k in range(7) if given.rows[:, k].any()]
    expected = np.mean([_equal_error_rate_by_curve(given.probabilities[:, k], given.rows[:, k] > 0) for k in present])
    assert EqualErrorRate()(given.probabilities, given.rows) == pytest.approx(expected, abs=1e-9)


def test_equal_error_rate_at_its_ends():
    scores = np.array([[4.0], [3.0], [2.0], [1.0]])
    assert EqualErrorRate()(scores, np.array([[1], [1], [0], [0]])) == 0.0
    assert EqualErrorRate()(scores, np.array([[0], [0], [1], [1]])) == 1.0
    assert EqualErrorRate()(np.ones((4, 1)), np.array([[1], [0], [1], [0]])) == 0.5
