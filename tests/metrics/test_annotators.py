"""Figures against how annotators divide, and figures over labels where one is the most voted."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from tests.metrics.conftest import answers, shares

from auricle.metrics._calibration import calibrated, calibration, reliability, temperature
from auricle.metrics._consensus import consensus
from auricle.metrics._mistakes import most_confident_mistakes
from auricle.metrics._scores import scores
from auricle.metrics.calibration_error import CalibrationError
from auricle.metrics.cross_entropy import CrossEntropy
from auricle.metrics.jensen_shannon import JensenShannon
from auricle.types import Task

TASK = Task(("a", "b", "c"), "distribution")
P = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.4, 0.5, 0.1], [0.2, 0.2, 0.6]])
VOTES = np.array([[1.0, 0, 0], [0.25, 0.5, 0.25], [0.5, 0.5, 0.0], [0.75, 0, 0.25]], np.float32)


def test_divergences_as_scipy_has_them():
    given = answers(3)
    p, q = given.probabilities / given.probabilities.sum(axis=1, keepdims=True), shares(given)
    assert JensenShannon()(p, q) == pytest.approx(np.mean(jensenshannon(p, q, base=2, axis=1) ** 2), abs=1e-12)
    assert CrossEntropy()(p, q) == pytest.approx(np.mean(entropy(q, axis=1) + entropy(q, p, axis=1)), abs=1e-12)


def test_divergences_have_their_ends():
    assert JensenShannon()(VOTES, VOTES) == 0
    assert JensenShannon()(np.eye(3), np.eye(3)[[1, 2, 0]]) == 1
    assert CrossEntropy()(VOTES, VOTES) == pytest.approx(entropy(VOTES, axis=1).mean(), abs=1e-6)
    assert CrossEntropy()(np.eye(3), np.eye(3)[[1, 2, 0]]) == pytest.approx(7 * math.log(10))


def test_consensus_leaves_ties_out():
    rows, label = consensus(VOTES)
    assert (rows.tolist(), label.tolist()) == ([0, 1, 3], [0, 1, 0])
    third = np.float32(1) / np.float32(3)
    assert consensus(np.array([[third, third * (1 + 2**-22), third]], np.float32))[0].tolist() == [], "a rounding is no majority"


def test_all_clips_count_for_the_distribution_and_the_decided_ones_for_labels():
    found = scores(TASK, P, VOTES, ("x", "y", "y", "z"), seed=0, resamples=20)
    assert (found.clips, found.decided, found.groups) == (4, 3, 3)
    assert found.figures["cross_entropy"].value == pytest.approx(-(VOTES * np.log(P)).sum() / 4)
    assert found.figures["accuracy"].value == pytest.approx(2 / 3)
    assert found.figures["balanced_accuracy"].value == pytest.approx((1 / 2 + 1) / 2)
    assert found.confusion == ((1, 0, 1), (0, 1, 0), (0, 0, 0))
    assert [c.support for c in found.per_class] == [2, 1, 0]
    assert [(m.row, m.truth, m.prediction, m.score) for m in found.mistakes] == [(3, "a", "c", 0.6)]
    assert most_confident_mistakes(TASK, P, VOTES) == found.mistakes
    assert json.loads(json.dumps(found.tree(), allow_nan=False))["scores"]["jensen_shannon"]["value"] > 0


def test_where_nobody_agrees_figures_over_labels_are_undefined():
    found = scores(TASK, P, np.full((4, 3), 1 / 3), (), seed=0, resamples=20)
    assert found.decided == 0
    assert math.isnan(found.figures["accuracy"].value)
    assert found.figures["jensen_shannon"].value > 0
    assert json.loads(json.dumps(found.tree(), allow_nan=False))["scores"]["accuracy"]["value"] is None


def test_one_annotator_is_a_label():
    """Shares that are all 0 or 1 give what the same truth as indices gives."""
    given = answers(4, absent=0)
    task, hot = Task(tuple("abcdefg")), np.eye(7)[given.truth]
    one, soft = (
        scores(Task(task.labels, kind), given.probabilities, truth, (), seed=1, resamples=50)
        for kind, truth in (("single", given.truth), ("distribution", hot))
    )
    assert {name: soft.figures[name] for name in one.figures} == one.figures
    assert (soft.confusion, soft.per_class, soft.mistakes) == (one.confusion, one.per_class, one.mistakes)
    logits = np.log(given.probabilities + 1e-3)
    assert temperature(logits, hot, shares=True) == temperature(logits, given.truth)
    before, after = (calibration(logits, t, temperature=1.3, shares=t.ndim == 2) for t in (given.truth, hot))
    assert before == after


def test_a_known_temperature_is_found_again_from_votes():
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(3000, 4))
    votes = rng.multinomial(5, calibrated(logits, True)) / 5
    fitted = temperature(3 * logits, votes, shares=True)
    assert fitted == pytest.approx(3.0, rel=0.05)
    found = calibration(3 * logits, votes, temperature=fitted, shares=True)
    assert found.ece_after < 0.03 < 0.1 < found.ece_before


def test_the_share_that_agrees_stands_for_being_right():
    p, votes = np.array([[0.8, 0.2], [0.8, 0.2]]), np.array([[0.5, 0.5], [0.7, 0.3]])
    assert CalibrationError(shares=True)(p, votes) == pytest.approx(0.2)
    (filled,) = [b for b in reliability(p, votes, shares=True) if b.count]
    assert (filled.count, filled.accuracy) == (2, pytest.approx(0.6))
