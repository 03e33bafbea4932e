from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from auricle.datasets._corpus import open_corpus
from auricle.datasets._division import divide, folds
from auricle.settings import Split


def test_the_real_corpus(shared: Path) -> None:
    corpus = open_corpus(str(shared / "data/ravdess"))
    assert corpus.name == "ravdess"
    assert len(corpus.items) == 1440
    assert {i.target[0]: n for i, n in zip(corpus.items, [0] * 1440, strict=True)}.keys() == set(corpus.task.labels)
    assert Counter(i.target[0] for i in corpus.items) == {"neutral": 96, **dict.fromkeys(corpus.task.labels[1:], 192)}
    assert {i.group: i.fold for i in corpus.items} == {f"{a:02d}": str((a + 3) // 4) for a in range(1, 25)}
    assert folds(corpus.items, "auto") == ("1", "2", "3", "4", "5", "6")
    made = divide(corpus.items, Split(test="2", rule="fold"), seed=0)
    assert {i.group for i in made.test} == {"05", "06", "07", "08"}
    assert len(made.test) == 240


def test_the_archive_that_holds_everything_twice(tree: Callable[..., Path]) -> None:
    names = [f"Actor_{a:02d}/03-01-0{e}-01-01-01-{a:02d}.wav" for a in (1, 2) for e in (1, 2)]
    root = tree([*names, *(f"audio_speech_actors_01-24/{n}" for n in names), "Actor_01/03-02-01-01-01-01-01.wav"])
    corpus = open_corpus(str(root))
    assert [i.path.relative_to(root).as_posix() for i in corpus.items] == names
    assert len(corpus.skipped) == 4
    assert "is the same recording as Actor_01/03-01-01-01-01-01-01.wav" in corpus.skipped[0].reason
