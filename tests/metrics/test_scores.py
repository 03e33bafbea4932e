from __future__ import annotations

import json
import time

import numpy as np
import pytest
from tests.metrics.conftest import answers

from auricle.errors import DataError, RequestError, ShapeError
from auricle.metrics._bootstrap import draws, interval, tail_share, units
from auricle.metrics._mistakes import most_confident_mistakes
from auricle.metrics._scores import scores
from auricle.metrics.accuracy import Accuracy
from auricle.types import Task

TASK = Task(tuple("abcdefg"))


def test_confusion_and_classes_agree_with_each_other():
    given = answers(1, absent=0)
    found = scores(TASK, given.probabilities, given.truth, (), seed=0, resamples=50)
    table = np.array(found.confusion)
    named = given.probabilities.argmax(axis=1)
    assert table.sum() == 200
    assert table[2, 4] == np.sum((given.truth == 2) & (named == 4))
    assert found.figures["accuracy"].value == pytest.approx(np.trace(table) / 200)
    for k, each in enumerate(found.per_class):
        assert each.support == table[k].sum()
        assert each.recall == pytest.approx(table[k, k] / table[k].sum())
        assert each.precision == pytest.approx(table[k, k] / table[:, k].sum())
    assert np.mean([c.recall for c in found.per_class]) == pytest.approx(found.figures["balanced_accuracy"].value)
    assert np.mean([c.f1 for c in found.per_class]) == pytest.approx(found.figures["macro_f1"].value)


def test_every_figure_lies_in_its_interval_and_the_tree_is_json(given):
    for task, truth in ((TASK, given.truth), (Task(TASK.labels, "multi"), given.rows)):
        found = scores(task, given.probabilities, truth, [f"g{i % 40}" for i in range(200)], seed=1, resamples=300)
        assert found.unit == "group"
        assert found.groups == 40
        assert {"macro_f1", "calibration_error"} <= set(found.figures)
        for name, figure in found.figures.items():
            assert figure.low <= figure.value <= figure.high, name
            assert figure.high - figure.low < (0.6 if "d_prime" not in name else 2.5), name
        assert json.loads(json.dumps(found.tree(), allow_nan=False))["scores"].keys() == found.figures.keys()
    assert {"mean_average_precision", "d_prime", "mean_d_prime", "equal_error_rate", "area_under_curve"} <= set(found.figures)


def test_the_same_seed_gives_the_same_interval():
    given = answers(2)
    one, again, other = (scores(TASK, given.probabilities, given.truth, (), seed=s, resamples=200).figures["accuracy"] for s in (3, 3, 4))
    assert one == again
    assert one != other


def test_blocks_of_resamples_are_the_same_resamples(monkeypatch):
    whole = np.concatenate(list(draws(units((), 50), seed=0, resamples=40)), axis=1)
    monkeypatch.setattr("auricle.metrics._bootstrap._CELLS", 50 * 7)
    parts = list(draws(units((), 50), seed=0, resamples=40))
    assert len(parts) == 6
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_a_group_is_drawn_whole():
    groups = [f"speaker{i % 5}" for i in range(60)]
    (weights,) = draws(units(groups, 60), seed=0, resamples=100)
    for group in range(5):
        rows = weights[group::5]
        assert (rows == rows[0]).all()
    np.testing.assert_array_equal(weights.sum(axis=0), 60)


@pytest.mark.parametrize(
    ("groups", "name", "said"),
    [
        ((), "clip", "groups are unknown"),
        (["only"] * 9, "clip", "one group (only)"),
        (["a", "b", ""] * 3, "group", "3 clips of unknown group"),
    ],
)
def test_what_was_resampled_is_said(groups, name, said):
    found = units(groups, 9)
    assert found.name == name
    assert said in found.note


def _hierarchical(rng, groups, clips, spread):
    """Clips of groups whose own accuracies differ: the mean is 0.7 over all groups there could be."""
    skill = rng.beta(0.7 * spread, 0.3 * spread, groups)
    return (rng.random((groups, clips)) < skill[:, None]).astype(float)


def _interval(right, sampled, seed):
    """As `scores` makes it, of the accuracy alone."""
    p = np.stack([right, 1 - right], axis=1)
    truth, metric = np.zeros(right.size, int), Accuracy()
    (weights,) = draws(sampled, seed=seed, resamples=1000)
    return interval(metric(p, truth), metric.resampled(p, truth, weights), count=sampled.count)


# Six groups say little about how groups differ, and skewed ones less: even Student's own interval falls a little short of 19 in 20 there.
@pytest.mark.parametrize(("count", "least"), [(6, 0.88), (25, 0.92)])
def test_the_interval_covers_the_truth_19_times_in_20_and_one_over_clips_does_not(count, least):
    rng = np.random.default_rng(count)
    covered = {"group": 0, "clip": 0}
    trials = 400
    for trial in range(trials):
        right = _hierarchical(rng, count, 10, 4.0).ravel()
        for groups in ([f"g{i // 10}" for i in range(right.size)], ()):
            sampled = units(groups, right.size)
            low, high = _interval(right, sampled, trial)
            covered[sampled.name] += low <= 0.7 <= high
    assert least <= covered["group"] / trials <= 0.99
    assert covered["clip"] / trials < 0.85


def test_the_group_effect_widens_the_interval_and_no_effect_does_not():
    rng = np.random.default_rng(0)

    def widths(spread):
        right = _hierarchical(rng, 40, 20, spread).ravel()
        p = np.stack([right, 1 - right], axis=1)
        names = [f"g{i // 20}" for i in range(800)]
        figures = [scores(Task(("y", "n")), p, np.zeros(800, int), g, seed=0, resamples=500).figures["accuracy"] for g in (names, ())]
        return [f.high - f.low for f in figures]

    related, plain = widths(2.0)
    assert related > 2 * plain
    alike, plain = widths(1e6)
    assert alike == pytest.approx(plain, rel=0.35)


def test_the_interval_of_a_mean_is_the_t_interval():
    from scipy.stats import t

    rng = np.random.default_rng(0)
    x = rng.normal(size=12)
    resampled = rng.choice(x, (200_000, 12)).mean(axis=1)
    low, high = interval(float(x.mean()), resampled, count=12)
    half = t.ppf(0.975, 11) * x.std(ddof=1) / np.sqrt(12)
    assert (high - low) / 2 == pytest.approx(half, rel=0.06)
    assert tail_share(1) == 0.0


def test_all_right_is_not_certainty():
    """18 of 18 right: a model that is right 81.5 % of the time would do that once in 40 tests (Clopper and Pearson)."""
    found = scores(Task(("y", "n")), np.tile([0.9, 0.1], (18, 1)), np.zeros(18, int), (), seed=0).figures["accuracy"]
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low**18 == pytest.approx(0.025)


def test_a_calibration_error_lies_in_the_middle_of_its_interval():
    """Noise only ever raises it, so that plain percentiles lie above the figure itself."""
    rng = np.random.default_rng(4)
    p = rng.dirichlet(np.ones(5), 400)
    truth = np.array([rng.choice(5, p=row) for row in p])
    figure = scores(Task(tuple("abcde")), p, truth, (), seed=0).figures["calibration_error"]
    assert 0 <= figure.low < figure.value < figure.high


def test_confident_mistakes_come_first():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]])
    found = scores(Task(("dog", "cat")), p, np.array([1, 1, 0, 0]), (), seed=0, resamples=10)
    assert [(m.row, m.truth, m.prediction, m.score) for m in found.mistakes] == [
        (0, "cat", "dog", 0.9),
        (3, "dog", "cat", 0.7),
        (2, "dog", "cat", 0.6),
    ]
    assert [m.row for m in found.most_confident_mistakes(2)] == [0, 3]


def test_mistakes_where_any_number_may_hold_are_alarms_and_misses():
    p = np.array([[0.95, 0.01], [0.4, 0.9]])
    found = most_confident_mistakes(Task(("rain", "wind"), "multi"), p, np.array([[0, 1], [1, 1]]))
    assert [(m.row, m.truth, m.prediction) for m in found] == [(0, "wind", "not wind"), (0, "wind", "rain"), (1, "rain, wind", "not rain")]
    assert [m.score for m in found] == pytest.approx([0.99, 0.95, 0.6])


def test_a_metric_from_elsewhere_gets_an_interval_too(monkeypatch):
    from auricle import catalog
    from auricle.metrics.accuracy import Accuracy

    class Plain:
        kinds = ("single",)
        better = "higher"

        def __call__(self, probabilities, truth):
            return float(np.mean(probabilities.argmax(axis=1) == truth))

    monkeypatch.setattr(catalog, "names", lambda kind: ["accuracy", "plain"])
    monkeypatch.setattr(catalog, "load", lambda kind, name: Plain if name == "plain" else Accuracy)
    monkeypatch.setattr(catalog, "make", lambda kind, spec: Plain() if spec.name == "plain" else Accuracy())
    given = answers(1)
    found = scores(TASK, given.probabilities, given.truth, (), seed=0, resamples=100).figures
    assert (found["plain"].low, found["plain"].high) == pytest.approx((found["accuracy"].low, found["accuracy"].high))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"probabilities": np.zeros((0, 7)), "truth": np.zeros(0, int)}, DataError, "no clips"),
        ({"probabilities": np.full((200, 7), np.nan)}, DataError, "200 of 200"),
        ({"truth": np.full(200, 7)}, DataError, "class 7"),
        ({"truth": np.zeros(199, int)}, ShapeError, "199"),
        ({"truth": np.zeros((200, 7))}, DataError, "single"),
        ({"groups": ["a"]}, DataError, "1 groups for 200"),
        ({"task": Task(TASK.labels, "frames")}, RequestError, "frames"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_a_sentence(change, error, said):
    given = answers(0)
    asked = {"task": TASK, "probabilities": given.probabilities, "truth": given.truth, "groups": (), **change}
    with pytest.raises(error, match=said):
        scores(asked["task"], asked["probabilities"], asked["truth"], asked["groups"], seed=0, resamples=5)


def test_a_thousand_resamples_of_3000_clips_in_35_classes_take_seconds_not_minutes():
    given = answers(0, clips=3000, classes=35)
    task, groups = Task(tuple(str(k) for k in range(35))), [f"g{i % 300}" for i in range(3000)]
    scores(task, given.probabilities, given.truth, groups, seed=0, resamples=2)  # imports
    start = time.process_time()
    scores(task, given.probabilities, given.truth, groups, seed=0)
    assert time.process_time() - start < 2.0


def test_classes_are_named_where_their_own_thresholds_say():
    task = Task(("a", "b"), "multi")
    p = np.array([[0.4, 0.7], [0.2, 0.9], [0.6, 0.1]])
    truth = np.array([[1, 0], [0, 1], [1, 0]])
    even = scores(task, p, truth, (), seed=0, resamples=0)
    own = scores(task, p, truth, (), seed=0, resamples=0, threshold=np.tile([0.3, 0.8], (3, 1)))
    assert even.figures["macro_f1"].value == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert own.figures["macro_f1"].value == 1.0
    assert len(even.mistakes) == 2
    assert not own.mistakes
