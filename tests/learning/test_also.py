"""Clips that only train: never among those that choose or judge, by file, by group and by what a generator heard."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.tones import TINY

from auricle import recipe as recipes
from auricle.datasets._made import Shelf, fingerprint, heard
from auricle.errors import DataError
from auricle.learning import experiment
from auricle.learning.experiment import Prepared
from auricle.types import Clip

LABELS, SPEAKERS = ("high", "low"), "abcd"


def corpus(folder: Path, *, speakers: str = SPEAKERS, labels: tuple[str, ...] = LABELS, seed: int = 0, clips: int = 2) -> Path:
    chance = np.random.default_rng(seed)
    for label in labels:
        for speaker in speakers:
            (folder / label / speaker).mkdir(parents=True)
            for i in range(clips):
                tone = np.sin(np.arange(3000) * chance.uniform(0.1, 0.3) * (1 + (label == "high")))
                soundfile.write(folder / label / speaker / f"{i}.wav", 0.2 * tone, 8000)
    return folder


def prepared(data: Path, *also: Path, rule: str = "group", test: str = "b", dev: float = 0.3) -> Prepared:
    split: dict[str, Any] = {"rule": rule, "test": test, "dev_fraction": dev, "also": [str(each) for each in also]}
    return experiment.prepare(str(data), recipes.parse({**TINY, "split": split}), bar=lambda title, total: lambda: None)


def test_they_train_and_the_held_out_clips_stay_the_same(tmp_path: Path) -> None:
    data = corpus(tmp_path / "data")
    more = corpus(tmp_path / "more", speakers="xy", seed=1, clips=5)
    alone, beside = prepared(data), prepared(data, more)
    assert beside.division.test == alone.division.test
    assert beside.division.dev == alone.division.dev
    assert beside.division.dev
    assert beside.division.digest == alone.division.digest
    added = beside.division.train[len(alone.division.train) :]
    assert beside.division.train[: len(alone.division.train)] == alone.division.train
    assert {item.path.relative_to(more).as_posix() for item in added} == {
        f"{k}/{s}/{i}.wav" for k in LABELS for s in "xy" for i in range(5)
    }
    assert beside.recipe.identity != alone.recipe.identity
    assert beside.division.protocol == f"{alone.division.protocol} Clips that only train: 20 of more."
    assert (beside.also[0]["data"], beside.also[0]["clips"], beside.also[0]["held_out"]) == ("more", 20, 0)


def test_held_out_groups_and_files_are_left_out_under_any_name(tmp_path: Path) -> None:
    data = corpus(tmp_path / "data")
    more = corpus(tmp_path / "more", speakers="abx", seed=1)
    dev = {item.group for item in prepared(data).division.dev}
    for rule in ("by group", "by file"):
        if rule == "by file":  # the same recordings under names that say nothing
            shutil.rmtree(more)
            for i, path in enumerate(sorted(data.rglob("*.wav"))):
                target = more / path.parts[-3] / f"speaker{i}" / "1.wav"
                target.parent.mkdir(parents=True)
                shutil.copy(path, target)
        found = prepared(data, more)
        held = {fingerprint(item.path) for item in found.division.dev + found.division.test}
        names = {"b", *dev}
        assert not {fingerprint(item.path) for item in found.division.train} & held
        assert not {item.group for item in found.division.train} & names
        assert found.also[0]["clips"] > 0
        if rule == "by file":
            assert found.also[0]["held_out"] == len(found.division.dev + found.division.test)
        else:
            assert found.also[0]["held_out"] == 4 * len(names & set("abx"))


def test_a_group_on_both_sides_is_not_held_out(tmp_path: Path) -> None:
    data = corpus(tmp_path / "data", clips=4)
    for path in sorted(data.rglob("*.wav")):  # an official split within each speaker
        part = "test" if path.stem == "0" else "train"
        target = tmp_path / "split" / part / Path(*path.parts[-3:])
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    more = corpus(tmp_path / "more", speakers="ab", seed=1)
    assert prepared(tmp_path / "split", more, rule="official", test="", dev=0.0).also[0]["clips"] == 8


def test_one_label_is_enough_and_another_one_too_many(tmp_path: Path) -> None:
    data = corpus(tmp_path / "data")
    one = corpus(tmp_path / "one", speakers="x", labels=("low",), seed=1)
    assert prepared(data, one).also[0]["clips"] == 2
    other = corpus(tmp_path / "other", speakers="x", labels=("low", "siren"), seed=1)
    with pytest.raises(DataError, match=r"other has labels that are not trained on: siren; wanted some of high, low"):
        prepared(data, other)
    held = "b" + "".join({item.group for item in prepared(data).division.dev})
    with pytest.raises(DataError, match=r"has no clip to train with: of 8, 8 can be read, and these are held out"):
        prepared(data, corpus(tmp_path / "judges", speakers=held, seed=2))


def test_what_learnt_from_held_out_clips_is_refused(tmp_path: Path) -> None:
    data = corpus(tmp_path / "data")
    first = prepared(data, dev=0.0)
    shelf = Shelf(tmp_path / "made", columns=("group",), suffix="wav")
    for label in LABELS:
        shelf.add(label, Clip(np.full((1, 4000), 0.1, np.float32), 8000), {"group": ""})
    shelf.close({"by": "a generator"}, heard(first.division.train))
    assert prepared(data, tmp_path / "made", dev=0.0).also[0]["clips"] == 2
    with pytest.raises(DataError, match=r"learnt from what is held out here: 4 files"):
        prepared(data, tmp_path / "made", test="a", dev=0.0)
    told = json.loads((tmp_path / "made" / "origin.json").read_text())
    (tmp_path / "made" / "origin.json").write_text(json.dumps({**told, "heard": {"files": [], "groups": ["a", "c"]}}))
    with pytest.raises(DataError, match=r"learnt from what is held out here: a$"):
        prepared(data, tmp_path / "made", test="a", dev=0.0)
    (tmp_path / "made" / "origin.json").write_text("{}")
    with pytest.raises(DataError, match="does not say what was heard"):
        prepared(data, tmp_path / "made", dev=0.0)
