from __future__ import annotations

from collections import Counter
from pathlib import Path

from auricle.datasets._corpus import open_corpus
from auricle.datasets._division import divide, folds
from auricle.settings import Split


def test_the_real_corpus(shared: Path) -> None:
    corpus = open_corpus(str(shared / "data/fsdd"))
    assert corpus.name == "fsdd"
    assert Counter(i.split for i in corpus.items) == {"train": 2700, "test": 300}
    assert set(Counter((i.group, *i.target) for i in corpus.items).values()) == {50}
    assert all(int(i.path.stem.split("_")[2]) < 5 for i in corpus.items if i.split == "test")
    assert not corpus.skipped
    official = divide(corpus.items, Split(), seed=0)
    assert (len(official.train) + len(official.dev), len(official.test)) == (2700, 300)
    assert "6 groups on both sides" in official.protocol
    assert folds(corpus.items, "group") == ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
    unheard = divide(corpus.items, Split(rule="group", test="theo"), seed=0)
    assert len(unheard.test) == 500
    assert len({i.group for i in unheard.train}) == 4
