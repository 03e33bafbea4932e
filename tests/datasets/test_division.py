from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.datasets._division import divide, fold_rule, folds, group_of, resolve
from auricle.errors import DataError, RequestError
from auricle.settings import Split
from auricle.types import Item

LABELS = "abcd"
ROOT = Path("/corpus")


@st.composite
def corpora(draw: st.DrawFn) -> list[Item]:
    """Clips of uneven classes and groups; some clips of one file, some without a group."""
    groups = draw(st.integers(2, 9))
    items = []
    for n in range(draw(st.integers(2, 60))):
        group = draw(st.integers(0, groups))
        file = draw(st.integers(0, n))
        name = f"g{group}" if group else ""
        target = draw(st.lists(st.sampled_from(LABELS), min_size=0, max_size=2, unique=True))
        items.append(Item(ROOT / f"{name}_{file}.wav", tuple(target), start=float(n), stop=n + 1.0, group=name))
    return items


@settings(max_examples=150, deadline=None)
@given(items=corpora(), test=st.floats(0.05, 0.6), dev=st.floats(0, 0.5), seed=st.integers(0, 5))
def test_parts_are_disjoint_and_cover_and_groups_stay_whole(items: list[Item], test: float, dev: float, seed: int) -> None:
    if len({group_of(i) for i in items}) < 2:
        with pytest.raises(DataError, match="belong to one group"):
            divide(items, Split(rule="auto"), seed=seed)
        return
    split = Split(rule="random", test_fraction=test, dev_fraction=dev)
    made = divide(items, split, seed=seed)
    parts = (made.train, made.dev, made.test)
    assert sorted(map(repr, sum(parts, ()))) == sorted(map(repr, items))
    assert made.train
    assert made.test
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not {group_of(i) for i in parts[one]} & {group_of(i) for i in parts[other]}
    if dev == 0:
        assert not made.dev
    again = divide(random.Random(seed).sample(items, len(items)), split, seed=seed)
    assert set(again.test) == set(made.test)
    assert set(again.dev) == set(made.dev)
    assert again.digest == made.digest


@settings(max_examples=60, deadline=None)
@given(groups=st.integers(3, 12), seed=st.integers(0, 9), test=st.floats(0.05, 0.5), dev=st.floats(0.05, 0.4))
def test_every_class_trains_when_every_class_has_three_groups(groups: int, seed: int, test: float, dev: float) -> None:
    rng = random.Random(seed)
    items = [
        Item(ROOT / f"{label}/{g}/{n}.wav", (label,), group=f"{label}{g}")
        for label in LABELS
        for g in range(groups)
        for n in range(rng.randint(1, 9))
    ]
    made = divide(items, Split(rule="random", test_fraction=test, dev_fraction=dev), seed=seed)
    assert {i.target for i in made.train} == {(label,) for label in LABELS}


def test_shares_are_met_per_class_where_groups_are_small() -> None:
    items = [Item(ROOT / f"{label}{n}.wav", (label,)) for label, count in (("a", 500), ("b", 50), ("c", 10)) for n in range(count)]
    made = divide(items, Split(rule="random", test_fraction=0.2, dev_fraction=0.1), seed=3)
    assert Counter(i.target[0] for i in made.test) == {"a": 100, "b": 10, "c": 2}
    assert Counter(i.target[0] for i in made.dev) == {"a": 40, "b": 4, "c": 1}
    assert "every file is its own group" in made.protocol
    other = divide(items, Split(rule="random", test_fraction=0.2, dev_fraction=0.1), seed=4)
    assert other.digest != made.digest


def speakers(count: int = 6, **known: str) -> list[Item]:
    return [Item(ROOT / f"{d}_{s}_{n}.wav", (str(d),), group=f"s{s}", **known) for s in range(count) for d in range(3) for n in range(4)]


def test_a_group_judges() -> None:
    made = divide(speakers(), Split(rule="group", test="s2"), seed=0)
    assert {i.group for i in made.test} == {"s2"}
    assert len({i.group for i in made.dev}) == 1
    assert made.judge == "s2"
    assert "s2 judges, unheard in training" in made.protocol
    assert divide(speakers(12), Split(rule="group"), seed=0).judge == "s11"
    with pytest.raises(RequestError, match="'s22', which is not a group of this corpus; did you mean s2"):
        divide(speakers(), Split(rule="group", test="s22"), seed=0)


def test_folds_in_natural_order_each_judge_once() -> None:
    items = [Item(ROOT / f"{n}.wav", ("ab"[n % 2],), fold=str(n % 12), group=f"r{n // 2}") for n in range(48)]
    assert folds(items, "auto") == tuple(str(n) for n in range(12))
    assert fold_rule(items, "auto") == "fold"
    judged = [i for name in folds(items, "fold") for i in divide(items, Split(rule="fold", test=name), seed=0).test]
    assert sorted(map(repr, judged)) == sorted(map(repr, items))
    assert divide(items, Split(), seed=0).judge == "11"
    assert "on both sides" in divide(items, Split(), seed=0).protocol


def test_groups_judge_in_turn_where_there_are_no_folds() -> None:
    assert folds(speakers(), "auto") == tuple(f"s{n}" for n in range(6))
    assert fold_rule(speakers(), "official") == "group"
    with pytest.raises(DataError, match="do not name two folds"):
        folds(speakers(), "fold")


def test_the_official_split_is_kept_and_its_weakness_said() -> None:
    items = [
        Item(ROOT / f"{d}_{s}_{n}.wav", (str(d),), group=s, split="test" if n < 5 else "train")
        for s in ("ann", "bob")
        for d in range(3)
        for n in range(20)
    ]
    made = divide(items, Split(), seed=0)
    assert made.rule == "official"
    assert {i for i in items if i.split == "test"} == set(made.test)
    assert "2 groups on both sides (ann, bob): the number says nothing about a new one." in made.protocol
    assert "drawn by file" in made.protocol
    assert len(made.dev) == pytest.approx(0.15 * 90, abs=2)
    assert {i.group for i in made.train} == {"ann", "bob"}


def test_the_official_development_part() -> None:
    def part(n: int) -> str:
        return ("train", "train", "dev", "test")[n % 4]

    items = [Item(ROOT / f"{n}.wav", ("ab"[n % 8 // 4],), group=f"g{n}", split=part(n)) for n in range(40)]
    made = divide(items, Split(), seed=0)
    assert set(made.dev) == {i for i in items if i.split == "dev"}
    without = divide(items, Split(dev_fraction=0.0), seed=0)
    assert not without.dev
    assert len(without.train) == 30
    two = [i for i in items if i.split != "test"]
    judged = divide(two, Split(), seed=0)
    assert {i.split for i in judged.test} == {"dev"}
    assert "development part judges since it has no test part" in judged.protocol
    assert judged.dev


def test_what_a_corpus_does_not_allow() -> None:
    with pytest.raises(
        DataError, match="no official split that names train and test for each of them; they can be divided by group, random"
    ):
        resolve(speakers(), "official")
    with pytest.raises(DataError, match="no two official folds"):
        divide(speakers(fold="1"), Split(rule="fold"), seed=0)
    with pytest.raises(DataError, match="there are no clips"):
        divide([], Split(), seed=0)
    half = [*speakers(2, split="train"), *speakers(1, split="test"), *speakers(1)]
    assert resolve(half, "auto") == "random"


def test_two_training_groups_give_no_development_part() -> None:
    made = divide(speakers(3), Split(rule="group"), seed=0)
    assert not made.dev
    assert "No development part: only 2 groups to train on." in made.protocol


def test_the_same_corpus_elsewhere_is_divided_the_same_way() -> None:
    here = [Item(Path(f"/here/{n % 5}/{n}.wav"), ("ab"[n % 2],)) for n in range(50)]
    there = [Item(Path(f"/elsewhere/deep/{n % 5}/{n}.wav"), ("ab"[n % 2],)) for n in range(50)]
    one, other = divide(here, Split(), seed=1), divide(there, Split(), seed=1)
    assert one.digest == other.digest
    assert [i.path.name for i in one.test] == [i.path.name for i in other.test]


def test_regions_of_one_recording_stay_together() -> None:
    items = [Item(ROOT / f"{r}.wav", ("ab"[n % 2],), start=float(n), stop=n + 1.0) for r in range(6) for n in range(10)]
    made = divide(items, Split(), seed=0)
    assert not {i.path for i in made.test} & {i.path for i in made.train + made.dev}


def test_a_class_with_one_group_trains_and_the_gap_is_said() -> None:
    items = [*speakers(5), *(Item(ROOT / f"rare{n}.wav", ("rare",), group="only") for n in range(3))]
    for seed in range(6):
        made = divide(items, Split(rule="random"), seed=seed)
        assert ("rare",) in {i.target for i in made.train}
        assert "Not in the test: rare." in made.protocol
