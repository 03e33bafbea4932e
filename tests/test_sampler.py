"""How often each class comes, and that every clip has its turn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch

from auricle.sampler import order
from auricle.types import Item

COUNTS = {"a": 64, "b": 16, "c": 4}
ITEMS = tuple(Item(Path(f"{label}{i}.wav"), (label,)) for label, count in COUNTS.items() for i in range(count))


def drawn(how: str, epochs: int = 200) -> Counter[str]:
    return Counter(ITEMS[i].target[0] for epoch in range(epochs) for i in order(ITEMS, how, torch.Generator().manual_seed(epoch)))


def test_shuffle_visits_each_clip_once() -> None:
    assert sorted(order(ITEMS, "shuffle", torch.Generator().manual_seed(0))) == list(range(84))


@pytest.mark.parametrize(("how", "shares"), [("balanced", (1, 1, 1)), ("square_root", (8, 4, 2)), ("round_robin", (1, 1, 1))])
def test_shares_of_the_classes(how: str, shares: tuple[int, ...]) -> None:
    seen = drawn(how)
    total = 200 * 84
    assert sum(seen.values()) == total
    # Four standard deviations of a third of 16,800 draws are 0.0146.
    assert all(abs(seen[label] / total - share / sum(shares)) < 0.0146 for label, share in zip(COUNTS, shares, strict=True))


def test_rounds() -> None:
    positions = order(ITEMS, "round_robin", torch.Generator().manual_seed(3))
    for at in range(0, 84, 3):
        assert {ITEMS[i].target[0] for i in positions[at : at + 3]} == set("abc")
    rare = [i for i in positions if ITEMS[i].target == ("c",)]
    assert all(len(set(rare[at : at + 4])) == 4 for at in range(0, 28, 4))


def test_several_labels_stand_for_each() -> None:
    items = (Item(Path("x"), ("a", "b")), Item(Path("y"), ("a",)), Item(Path("z"), ()))
    seen = Counter(i for epoch in range(3000) for i in order(items, "balanced", torch.Generator().manual_seed(epoch)))
    # Weights 1/2 + 1, 1/2 and 1.
    assert [seen[i] / 9000 for i in range(3)] == pytest.approx([1.5 / 3, 0.5 / 3, 1 / 3], abs=0.02)


def test_votes_stand_for_their_shares() -> None:
    items = (Item(Path("x"), ("a", "b"), votes=(3.0, 1.0)), Item(Path("y"), ("a",), votes=(2.0,)), Item(Path("z"), ("b",), votes=(4.0,)))
    seen = Counter(i for epoch in range(3000) for i in order(items, "balanced", torch.Generator().manual_seed(epoch)))
    # Shares a 0.75 + 1 and b 0.25 + 1: weights 0.75/1.75 + 0.25/1.25, 1/1.75 and 1/1.25, which make 2 in all.
    assert [seen[i] / 9000 for i in range(3)] == pytest.approx([0.6286 / 2, 0.5714 / 2, 0.8 / 2], abs=0.02)
    first = order(items[:1] + items[2:], "round_robin", torch.Generator().manual_seed(0))
    assert sorted(first) == [0, 1], "each in the turn of its most voted label"


def test_only_the_generator_decides() -> None:
    for how in ("shuffle", "balanced", "square_root", "round_robin"):
        a, b = (order(ITEMS, how, torch.Generator().manual_seed(7)) for _ in range(2))
        assert a == b
        assert a != order(ITEMS, how, torch.Generator().manual_seed(8))
