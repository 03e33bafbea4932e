from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from auricle.datasets._corpus import open_corpus
from auricle.datasets.esc50 import Esc50


def test_the_real_fold_agrees_with_its_table(shared: Path) -> None:
    corpus = open_corpus(str(shared / "data/esc50_fold4"))
    assert corpus.name == "esc50"
    assert corpus.task.labels == Esc50.labels
    with (shared / "data/esc50_fold4/esc50.csv").open(encoding="utf-8") as file:
        rows = {r["filename"]: (r["category"], r["fold"], r["src_file"]) for r in csv.DictReader(file)}
    assert {i.path.name: (*i.target, i.fold, i.group) for i in corpus.items} == rows
    assert set(Counter(i.target for i in corpus.items).values()) == {8}
    assert not corpus.weights_may_ship


def test_fifty_names_in_five_tens() -> None:
    assert len(set(Esc50.labels)) == 50
    assert [Esc50.labels[n] for n in (0, 10, 20, 30, 40, 49)] == ["dog", "rain", "crying_baby", "door_wood_knock", "helicopter", "hand_saw"]
