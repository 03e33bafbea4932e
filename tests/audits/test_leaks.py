from __future__ import annotations

from pathlib import Path

from auricle.audits.leaks import leaks
from auricle.types import Item


def item(name: str, split: str = "", fold: str = "", group: str = "") -> Item:
    return Item(Path(name), ("a",), split=split, fold=fold, group=group)


def test_a_clean_split() -> None:
    assert leaks([item("a", "train", group="x"), item("b", "test", group="y"), item("c", group="x")]) == []
    assert leaks([item("a", group="x"), item("b", group="x")], [(Path("a"), Path("b"))]) == []


def test_groups() -> None:
    (found,) = leaks([item("a", "train", group="x"), item("b", "test", group="x"), item("c", "test", group="y")])
    assert found.severity == "warning"
    assert found.sentence.startswith("1 group of 2 stand in more than one split (x)")
    assert found.fix == "--set split.rule=group"


def test_files_and_copies() -> None:
    items = [item("a", "train"), item("a", "test"), item("b", "train"), item("c", "test"), item("d", "test")]
    first, second = leaks(items, [(Path("b"), Path("c")), (Path("d"), Path("e"))])
    assert (first.severity, first.paths) == ("error", (Path("a"),))
    assert (second.severity, second.paths) == ("error", (Path("b"), Path("c")))


def test_folds_are_checked_like_splits() -> None:
    (found,) = leaks([item("a", fold="1"), item("b", fold="2")], [(Path("a"), Path("b"))])
    assert "in more than one fold as copies" in found.sentence
