"""Rows that learn from few clips: what the objective promises, against a slow and obvious version and by its properties."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.learning.personal import PULLS, Heard, Layer, fitted, personal


def heard(rng: np.random.Generator, centres: np.ndarray, truth: list[int], *, passages: int = 1) -> Heard:
    """Clips around their classes' centres."""
    rows = np.concatenate([centres[k] + 0.3 * rng.normal(size=(passages, centres.shape[1])) for k in truth])
    clip = np.repeat(np.arange(len(truth)), passages)
    return Heard(rows, np.full(len(rows), 1 / passages), clip, np.array(truth), np.arange(len(truth)))


@pytest.fixture
def world() -> tuple[Layer, np.ndarray, np.random.Generator]:
    """Three known classes and a fourth, eight features, a layer that tells the three apart."""
    rng = np.random.default_rng(4)
    centres = np.abs(rng.normal(size=(4, 8))) * 2
    near = centres[:3] - centres[:3].mean(0)
    return Layer(near, -near @ centres[:3].mean(0)), centres, rng


def loss(layer: Layer, old: Layer, parts: list[Heard], pull: float) -> float:
    """The objective as the docstring says it, clip by clip; the fourth row begins as the mean of the old ones."""
    scale = old.spread * np.sqrt(len(old.spread))
    means = [[each.rows[each.truth[each.clip] == k] for k in np.unique(each.truth)] for each in parts]
    centre = np.mean([rows.mean(0) for rows in means[1]], axis=0) if len(parts) > 1 else np.zeros(len(scale))
    size = np.sqrt(np.mean([np.square((rows - centre) * scale).sum(1).mean() for each in means for rows in each]))
    total = 0.0
    for part in parts:
        for k in np.unique(part.truth):
            own = part.rows[part.truth[part.clip] == k]
            total += -np.mean([np.log(layer.answers(row[None])[0, k]) for row in own])
    begin = Layer(np.vstack([old.weight, old.weight.mean(0)]), np.append(old.bias, old.bias.mean()))
    for k in range(len(layer.bias)):
        way, lift = layer.weight[k] - begin.weight[k], layer.bias[k] - begin.bias[k]
        total += pull / 2 * (np.square(way / scale).sum() + ((lift + way @ centre) / size) ** 2)
    return float(total)


@pytest.mark.parametrize("rehearsed", [False, True])
def test_head_is_the_lowest_point_of_its_objective(world, rehearsed: bool) -> None:
    old, centres, rng = world
    mine, kept = heard(rng, centres, [3, 3, 1]), heard(rng, centres, [0, 1, 2, 2])
    parts = [mine, kept] if rehearsed else [mine]
    layer = fitted(old, mine, kept if rehearsed else None, how="head", pull=2.0)
    best = loss(layer, old, parts, 2.0)
    for _ in range(40):
        weight, bias = layer.weight.copy(), layer.bias.copy()
        weight[[1, 3]] += 0.02 * rng.normal(size=(2, 8))
        bias[[1, 3]] += 0.02 * rng.normal(size=2)
        assert loss(Layer(weight, bias), old, parts, 2.0) > best


@pytest.mark.parametrize("how", ["head", "prototypes"])
def test_rows_of_labels_without_clips_stay_and_a_stronger_pull_moves_less(world, how) -> None:
    old, centres, rng = world
    mine = heard(rng, centres, [3, 3, 1])
    begin, ways = old.weight.mean(0), []
    for pull in PULLS:
        layer = fitted(old, mine, None, how=how, pull=pull)
        assert np.array_equal(layer.weight[[0, 2]], old.weight[[0, 2]])
        assert np.array_equal(layer.bias[[0, 2]], old.bias[[0, 2]])
        ways.append(np.linalg.norm(layer.weight[3] - begin))
    assert ways == sorted(ways, reverse=True)


def test_prototypes_name_their_mean_clip_by_the_margin(world) -> None:
    old, centres, rng = world
    mine = heard(rng, centres, [3, 3, 3, 1, 1])
    layer = fitted(old, mine, None, how="prototypes", pull=1e-9)
    mean = mine.rows[:3].mean(0)
    logits = layer.weight @ mean + layer.bias
    # Against the three old classes as they were; the second has moved since.
    assert logits[3] - np.logaddexp.reduce(old.weight @ mean + old.bias) == pytest.approx(2.0, abs=1e-6)
    assert layer.usual > 0
    mean = mine.rows[3:].mean(0)
    others = np.logaddexp.reduce(np.delete(old.weight @ mean + old.bias, 1))
    assert layer.weight[1] @ mean + layer.bias[1] == pytest.approx(max(others + 2.0, old.weight[1] @ mean + old.bias[1]), abs=1e-6)


def test_passages_of_a_clip_are_averaged_and_clips_of_a_label_weigh_alike(world) -> None:
    old, centres, rng = world
    whole = heard(rng, centres, [3, 1])
    twice = Heard(whole.rows.repeat(2, 0), np.full(4, 0.5), np.repeat([0, 1], 2), whole.truth, whole.group)
    again = Heard(whole.rows[[0, 0, 1]], np.ones(3), np.arange(3), np.array([3, 3, 1]), np.arange(3))
    layers = [fitted(old, each, None, how="head", pull=2.0) for each in (whole, twice, again)]
    assert all(np.allclose(layers[0].weight, each.weight, atol=1e-5) for each in layers[1:])
    mixed = Heard(
        np.stack([centres[0], centres[2], centres[2]]), np.array([0.9, 0.1, 1.0]), np.array([0, 0, 1]), np.array([0, 2]), np.arange(2)
    )
    assert old.named(mixed).tolist() == [0, 2]
    assert old.named(mixed.part(np.array([False, True]))).tolist() == [2]


def test_the_pull_is_the_weakest_that_keeps_or_the_strongest_that_learns(world) -> None:
    old, centres, rng = world
    kept = heard(rng, centres, [0, 1, 2] * 6)
    apart = heard(rng, centres, [3] * 5)
    found, fine = personal(old, apart, kept, how="head")
    assert fine
    assert found.pull == PULLS[0]  # far from the old classes: nothing holds it back
    assert found.before - found.after <= 0.02
    alone, fine = personal(old, apart, None, how="head")
    assert fine
    assert np.isnan(alone.after)
    stronger = [fitted(old, apart, None, how="head", pull=pull).named(apart) == 3 for pull in PULLS if pull > alone.pull]
    assert all(right.mean() < 0.75 for right in stronger)
    same = Heard(kept.rows[::3], np.ones(6), np.arange(6), np.full(6, 3), np.arange(6))  # the first class under another name
    refused, fine = personal(old, same, kept, how="head")
    assert not fine
    assert refused.before - refused.after > 0.02 or not refused.learnt(same.truth)


def test_clips_left_out_are_judged_by_others(world) -> None:
    old, centres, rng = world
    mine = heard(rng, centres, [3, 3, 3, 1])
    found, _ = personal(old, mine, None, how="prototypes")
    assert found.apart[3] == -1  # a label of one clip
    rest = mine.part(np.array([False, True, True, True]))
    alone = fitted(old, rest, None, how="prototypes", pull=found.pull).named(mine)[0] == 3
    assert found.apart[0] == int(alone)
