from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from auricle.datasets._corpus import open_corpus
from auricle.datasets._division import divide, folds
from auricle.settings import Split


def test_the_real_corpus_agrees_with_its_table(shared: Path) -> None:
    corpus = open_corpus(str(shared / "data/emodb"))
    assert corpus.name == "emodb"
    with (shared / "data/emodb/emodb.csv").open(encoding="utf-8") as file:
        rows = {r["filename"]: (r["emotion"], r["speaker"]) for r in csv.DictReader(file)}
    assert {i.path.name: (*i.target, i.group) for i in corpus.items} == rows
    assert len(rows) == 535
    assert Counter(i.target[0] for i in corpus.items)["anger"] == 127
    assert folds(corpus.items, "auto") == ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
    made = divide(corpus.items, Split(), seed=0)
    assert {i.group for i in made.test} == {"16"}
    assert not {i.group for i in made.dev} & {i.group for i in made.train}
    assert made.dev
