from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from auricle.datasets._corpus import open_corpus
from auricle.datasets._division import divide, folds
from auricle.datasets._download import contents
from auricle.datasets.esc10 import _ARCHIVE, Esc10
from auricle.datasets.esc50 import Esc50
from auricle.settings import Split


def test_the_real_corpus_agrees_with_its_table(shared: Path) -> None:
    corpus = open_corpus(str(shared / "data/esc10"))
    assert corpus.name == "esc10"
    with (shared / "data/esc10/esc10.csv").open(encoding="utf-8") as file:
        rows = {r["filename"]: (r["category"], r["fold"], r["src_file"]) for r in csv.DictReader(file)}
    assert {i.path.relative_to(corpus.root).as_posix(): (*i.target, i.fold, i.group) for i in corpus.items} == rows
    assert len(rows) == 400
    assert set(Counter((i.fold, *i.target) for i in corpus.items).values()) == {8}
    assert folds(corpus.items, "auto") == ("1", "2", "3", "4", "5")
    for fold in "12345":
        made = divide(corpus.items, Split(rule="fold", test=fold), seed=0)
        assert len(made.test) == 80
        assert not {i.group for i in made.test} & {i.group for i in made.train + made.dev}
        assert len({i.target for i in made.dev}) == 10


def test_the_download_is_checked_against_the_real_bytes(shared: Path) -> None:
    assert contents(shared / "data/esc10", _ARCHIVE.pattern) == _ARCHIVE.contents


def test_out_of_esc50(tree: Callable[..., Path]) -> None:
    root = tree(f"audio/{fold}-100{target}-A-{target}.wav" for fold in (1, 2) for target in range(50))
    items = list(Esc10().items(root))
    assert len(items) == 20
    named = dict(enumerate(Esc50.labels))
    assert {(i.target[0], int(i.path.stem.split("-")[3])) for i in items} == {
        (label, t) for t, label in named.items() if label in Esc10.labels
    }
