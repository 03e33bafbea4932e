from __future__ import annotations

from pathlib import Path

from auricle.audits.balance import balance
from auricle.types import Item, Task


def clips(count: int, label: str, group: str = "") -> list[Item]:
    return [Item(Path(f"{label}{n}"), (label,), group=group and f"{group}{n % 3}") for n in range(count)]


def test_an_even_corpus() -> None:
    assert balance([*clips(20, "a", "g"), *clips(30, "b", "h")], Task(("a", "b"))) == []


def test_empty_few_and_uneven() -> None:
    found = balance([*clips(200, "a"), *clips(3, "b")], Task(("a", "b", "c")))
    assert [f.severity for f in found] == ["error", "warning", "warning"]
    assert found[0].sentence.startswith("no clip is labelled c")
    assert "(b 3)" in found[1].sentence
    assert found[2].sentence.startswith("a has 200 clips, b 3")
    assert found[2].fix == "--set train.sampler=balanced"


def test_a_class_of_one_group() -> None:
    lonely = [Item(Path(f"b{n}"), ("b",), group="only") for n in range(15)]
    (found,) = balance([*clips(20, "a", "g"), *lonely], Task(("a", "b")))
    assert found.sentence.startswith("all clips of b come from one group")


def test_divided_annotators_count_by_their_shares() -> None:
    sure = [Item(Path(f"a{n}"), ("a",), votes=(3.0,)) for n in range(20)]
    divided = [Item(Path(f"b{n}"), ("a", "b"), votes=(2.0, 1.0)) for n in range(24)]
    (found,) = balance([*sure, *divided], Task(("a", "b"), "distribution"))
    assert "(b 8)" in found.sentence
    assert balance([*sure, *divided, *clips(4, "b")], Task(("a", "b"), "distribution")) == []


def test_several_labels_count_for_each() -> None:
    items = [Item(Path(str(n)), ("a", "b")) for n in range(12)]
    assert balance(items, Task(("a", "b"), "multi")) == []
