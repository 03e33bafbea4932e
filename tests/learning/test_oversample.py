"""Rows of rare classes: how many, where they lie, and that none is made where nothing can be known."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest

from auricle.errors import MissingExtraError, RequestError
from auricle.learning import probe
from auricle.learning.oversample import Oversampling, oversample
from auricle.recipe import parse

pytest.importorskip("imblearn")

CHANCE = np.random.default_rng(0)
TRUTH = np.repeat([0, 1, 2, 3], [40, 12, 5, 1])
ROWS = (CHANCE.standard_normal((58, 3)) + TRUTH[:, None]).astype(np.float32)


@pytest.mark.parametrize("how", ["random", "smote", "borderline_smote"])
def test_classes_become_even_and_what_was_there_stays_first(how: Oversampling) -> None:
    rows, truth = oversample(ROWS, TRUTH, how, seed=0)
    assert rows.dtype == np.float32
    assert np.array_equal(rows[:58], ROWS)
    assert np.array_equal(truth[:58], TRUTH)
    assert Counter(truth.tolist()) == {0: 40, 1: 40, 2: 40, 3: 1}
    again, _ = oversample(ROWS, TRUTH, how, seed=0)
    other, _ = oversample(ROWS, TRUTH, how, seed=1)
    assert np.array_equal(rows, again)
    assert not np.array_equal(rows, other)


def test_smote_lies_between_neighbours_of_one_class() -> None:
    """Every made row is x + u (y - x) of two rows of its class, u in [0, 1] (Chawla et al. 2002, section 4.2)."""
    rows, truth = oversample(ROWS, TRUTH, "smote", seed=0)
    for row, label in zip(rows[58:], truth[58:], strict=True):
        own = ROWS[label == TRUTH].astype(np.float64)
        first, second = own[:, None], own[None]
        way = second - first
        square = (way**2).sum(-1)
        share = np.divide(((row - first) * way).sum(-1), square, out=np.zeros_like(square), where=square > 0)
        off = np.abs(first + np.clip(share, 0, 1)[..., None] * way - row).max(-1)
        assert off.min() < 1e-5


def test_adasyn_makes_more_where_others_are_near() -> None:
    chance = np.random.default_rng(1)
    crowd = chance.standard_normal((60, 2))
    inside, apart = 0.3 * chance.standard_normal((8, 2)), 0.3 * chance.standard_normal((8, 2)) + 9
    rows = np.concatenate([crowd, inside, apart]).astype(np.float32)
    more, _ = oversample(rows, np.repeat([0, 1], [60, 16]), "adasyn", seed=0)
    made = more[76:]
    assert len(made) > 20
    assert float((made[:, 0] < 4.5).mean()) > 0.8
    far = np.concatenate([crowd, inside + 50, apart + 50]).astype(np.float32)
    assert len(oversample(far, np.repeat([0, 1], [60, 16]), "adasyn", seed=0)[0]) == 76


def test_even_classes_and_none_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imblearn", None)
    even = np.repeat([0, 1], 29)
    for how, truth in (("smote", even), ("", TRUTH)):
        assert oversample(ROWS, truth, how, seed=0)[0] is ROWS  # type: ignore[arg-type]
    with pytest.raises(MissingExtraError, match=r"transfer\.oversample=smote needs") as raised:
        oversample(ROWS, TRUTH, "smote", seed=0)
    assert "imbalance" in str(raised.value.hint)


def test_it_needs_a_probe() -> None:
    with pytest.raises(RequestError, match=r"recipe\.transfer\.probe, which uses them, is empty"):
        probe.resolved(parse({"transfer": {"oversample": "smote"}}))


def test_only_training_parts_are_evened() -> None:
    """What is left out to choose the penalty by holds none of the made rows."""
    recipe = parse({"transfer": {"probe": "linear", "oversample": "smote"}})
    groups = np.array([f"g{i % 7}" for i in range(58)])
    clips = probe.Clips(ROWS, np.ones(58), np.eye(4, dtype=np.float32)[TRUTH], groups)
    for rest, out in probe._parts(clips, 0):
        assert len(clips.part(out).rows) + len(clips.part(rest).rows) == 58
        evened = probe._evened(clips.part(rest), recipe, probe.Task(("a", "b", "c", "d")))
        assert len(evened.rows) > len(rest)
        assert set(evened.group[len(rest) :].tolist()) == {""}
        assert evened.weight.tolist() == [1.0] * len(evened.rows)
