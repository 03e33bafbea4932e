from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle.datasets._corpus import open_corpus
from auricle.datasets._division import divide
from auricle.datasets.speech_commands import SpeechCommands, part_of
from auricle.settings import Split
from auricle.types import Spec

# Speakers of the published testing_list.txt.
TESTED = "2aa787cf ffa76c4a 24ad3ebe d7467392 5828dfa2 91223b83 f0ae7203 95ba4996 94de6a6a caf9fceb 82b99576 81dc4a94 e41a903b"


def test_the_published_rule_gives_the_published_list() -> None:
    assert {part_of(f"{speaker}_nohash_{n}.wav") for speaker in TESTED.split() for n in range(3)} == {"test"}


def test_the_rule_gives_a_tenth_to_each_side() -> None:
    parts = Counter(part_of(f"{n:08x}_nohash_0.wav") for n in range(4000))
    assert parts["dev"] == pytest.approx(400, abs=60)
    assert parts["test"] == pytest.approx(400, abs=60)


@pytest.fixture
def words(tree: Callable[..., Path]) -> Path:
    speakers = [f"{n:08x}" for n in range(60)]
    root = tree(f"{word}/{s}_nohash_0.wav" for word in ("yes", "no", "bed", "zero") for s in speakers)
    (root / "_background_noise_").mkdir()
    for name in ("doing", "noise", "running", "white"):
        soundfile.write(root / "_background_noise_" / f"{name}.wav", np.zeros(16_000 * 3), 16_000)
    return root


def test_thirty_five_words_by_the_rule_or_by_the_lists(words: Path) -> None:
    corpus = open_corpus(str(words))
    assert corpus.name == "speech_commands"
    assert corpus.task.labels == ("bed", "no", "yes", "zero")
    assert len(corpus.items) == 240
    assert all(i.split == part_of(i.path.name) for i in corpus.items)
    (words / "testing_list.txt").write_text("yes/00000001_nohash_0.wav\n")
    (words / "validation_list.txt").write_text("no/00000002_nohash_0.wav\n")
    listed = open_corpus(str(words))
    assert Counter(i.split for i in listed.items) == {"train": 238, "test": 1, "dev": 1}


def test_twelve_classes_with_silence_that_was_never_trained_on(words: Path) -> None:
    spec = Spec("speech_commands", {"task": "12", "unknown": 0.5, "silence": 0.25})
    corpus = open_corpus(str(words), spec)
    assert corpus.task.labels == ("yes", "no", "_unknown_", "_silence_")
    for part in ("train", "dev", "test"):
        counts = Counter(i.target[0] for i in corpus.items if i.split == part)
        commands = counts["yes"] + counts["no"]
        assert counts["_unknown_"] == -(-commands // 2)
        assert counts["_silence_"] == -(-commands // 4)
    silence = [i for i in corpus.items if i.target == ("_silence_",)]
    assert all(i.stop is not None and i.start >= 0 and i.stop == i.start + 1.0 and i.stop <= 3.0 for i in silence)
    assert len({(i.path, i.start) for i in silence}) == len(silence)
    made = divide(corpus.items, Split(), seed=0)
    assert not {i.group for i in made.test} & {i.group for i in made.train + made.dev}
    assert corpus.items == open_corpus(str(words), spec).items
    other = open_corpus(str(words), Spec("speech_commands", {**spec.args, "seed": 1}))
    assert {i.path for i in other.items} != {i.path for i in corpus.items}


def test_every_published_word() -> None:
    assert len(SpeechCommands.labels) == 35
    assert list(SpeechCommands.labels) == sorted(SpeechCommands.labels)
