from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss
from tests.metrics.conftest import answers

from auricle.errors import DataError
from auricle.metrics._calibration import calibrated, calibration, reliability, temperature, thresholds


def _drawn(seed, *, clips=6000, classes=6, boast=1.0, single=True):
    """Logits whose labels were drawn from their own probabilities, then multiplied: dividing by `boast` makes them honest again."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(clips, classes)) * 2
    p = calibrated(logits, single)
    truth = (p.cumsum(axis=1) > rng.random((clips, 1))).argmax(axis=1) if single else (rng.random(p.shape) < p).astype(float)
    return logits * boast, truth


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("true", [0.4, 1.0, 3.0])
def test_a_known_temperature_is_found_again(true, single):
    logits, truth = _drawn(0, boast=true, single=single)
    assert temperature(logits, truth) == pytest.approx(true, rel=0.05)


def test_the_temperature_has_the_least_loss_of_all():
    logits, truth = _drawn(1, clips=500, boast=2.0)
    best = temperature(logits, truth)
    loss = {t: log_loss(truth, calibrated(logits, True, temperature=t)) for t in (best, best * 0.9, best * 1.1)}
    assert min(loss, key=loss.get) == best


def test_error_falls_and_accuracy_stays():
    logits, truth = _drawn(2, boast=3.0)
    dev, test = slice(0, 3000), slice(3000, None)
    fitted = temperature(logits[dev], truth[dev])
    found = calibration(logits[test], truth[test], temperature=fitted)
    assert found.ece_after < 0.03 < 0.15 < found.ece_before
    before, after = calibrated(logits, True), calibrated(logits, True, temperature=fitted)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    np.testing.assert_allclose(after.sum(axis=1), 1)
    assert json.loads(json.dumps(found.tree()))["temperature"] == fitted


def test_a_faultless_development_group_does_not_make_the_model_infinitely_sure():
    truth = np.arange(30) % 3
    logits = np.eye(3)[truth] * 4.0
    found = temperature(logits, truth)
    assert 0.3 < found < 2
    assert calibrated(logits, True, temperature=found).max() < 1 - 1e-4


def test_logits_that_know_nothing_give_no_confidence():
    rng = np.random.default_rng(0)
    logits, truth = rng.normal(size=(2000, 4)) * 5, rng.integers(0, 4, 2000)
    assert calibrated(logits, True, temperature=temperature(logits, truth)).max() < 0.5


def test_probabilities_do_not_overflow():
    p = calibrated(np.array([[1e4, -1e4]]), True)
    np.testing.assert_array_equal(p, [[1, 0]])
    np.testing.assert_array_equal(calibrated(np.array([[1e4, -1e4]]), False), [[1, 0]])


def test_bins_hold_every_clip_once_and_are_right_as_often_as_sure():
    logits, truth = _drawn(3, clips=30_000)
    bins = reliability(calibrated(logits, True), truth)
    assert sum(b.count for b in bins) == 30_000
    for each in bins:
        assert each.low <= each.confidence <= each.high
        if each.count > 500:
            assert each.accuracy == pytest.approx(each.confidence, abs=0.06)
    rows = reliability(np.array([[0.9, 0.2]]), np.array([[1, 0]]), bins=2)
    assert [(b.count, b.accuracy) for b in rows] == [(1, 0.0), (1, 1.0)]


def test_thresholds_have_the_best_f1_of_all():
    given = answers(7)
    found = thresholds(given.probabilities, given.rows)
    for k in range(6):
        truth, p = given.rows[:, k].astype(int), given.probabilities[:, k]
        every = [f1_score(truth, (p >= t).astype(int), zero_division=0.0) for t in [*np.unique(p), 1.1]]
        assert f1_score(truth, (p >= found[k]).astype(int)) == pytest.approx(max(every))
    assert found[6] == 0.5  # never true


def test_thresholds_of_a_separated_class_lie_halfway():
    assert thresholds(np.array([[0.2], [0.6], [0.9]]), np.array([[0], [1], [1]])).tolist() == [pytest.approx(0.4)]


def test_thresholds_need_rows():
    with pytest.raises(DataError, match="any number of classes"):
        thresholds(np.ones((2, 2)), np.array([0, 1]))
