"""A small generator through its command: labelled clips, what they learnt from, and that they can't train against it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.tones import TINY, prepared

from auricle import cli
from auricle import recipe as recipes
from auricle.audio.read import read
from auricle.datasets._corpus import open_corpus
from auricle.datasets._made import fingerprint
from auricle.errors import DataError, RequestError
from auricle.verbs.imitate import imitate


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    (tmp_path / "recipe.json").write_text(json.dumps(TINY))
    return str(tmp_path / "recipe.json")


def test_clips_of_every_label_that_learnt_from_the_training_clips(tmp_path: Path, tones: Path, recipe: str) -> None:
    made = imitate(str(tones), out=tmp_path / "made", recipe=recipe, clips=3, steps=2, width=2, seconds=0.2)
    assert made.clips == {"noise": 3, "octave": 3, "tone": 3}
    assert len(made.distances) == 10
    corpus = open_corpus(str(made.folder))
    assert (corpus.task.labels, len(corpus.items)) == (("noise", "octave", "tone"), 9)
    clips = [read(item.path) for item in corpus.items]
    assert {clip.samples.shape for clip in clips} == {(1, 2048)}  # 0.2 s at 8 kHz, up to a multiple of 1024
    assert {clip.sample_rate for clip in clips} == {8000}
    division = prepared(tones, recipes.read(recipe)).division
    told = json.loads((made.folder / "origin.json").read_text())
    assert set(told["heard"]["files"]) == {fingerprint(item.path) for item in division.train}
    assert (told["digest"], told["steps"], told["samples"]) == (division.digest, 2, 2048)
    again = imitate(str(tones), out=tmp_path / "again", recipe=recipe, clips=2, steps=2, width=2, seconds=0.2)
    assert again.distances == made.distances
    assert np.array_equal(read(again.folder / "tone" / "00001.wav").samples, read(made.folder / "tone" / "00001.wav").samples)

    beside = prepared(tones, recipes.read(recipe, (f"split.also={json.dumps([str(made.folder)])}",)))
    assert len(beside.division.train) == len(division.train) + 9
    assert beside.division.test == division.test
    with pytest.raises(DataError, match="learnt from what is held out here"):
        prepared(tones, recipes.read(recipe, (f"split.also={json.dumps([str(made.folder)])}", "seed=5")))


def test_what_is_refused(tmp_path: Path, tones: Path, recipe: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RequestError, match=r"--seconds is 3; wanted more than 0 and at most 2\.05 at 8000 samples a second"):
        imitate(str(tones), out=tmp_path / "made", recipe=recipe, seconds=3)
    assert cli.main(["imitate", str(tones), "--out", str(tmp_path / "made"), "--steps", "0"]) == 2
    assert "wanted at least 1 of each" in capsys.readouterr().err
    several = tmp_path / "several.csv"
    rows = [f"{path},{'a' if i % 2 else 'a|b'}" for i, path in enumerate(sorted(tones.rglob("*.wav")))]
    several.write_text("\n".join(["path,labels", *rows]))
    with pytest.raises(RequestError, match="several is a multi task; wanted clips with one label each"):
        imitate(str(several), out=tmp_path / "made", recipe=recipe)
    assert not (tmp_path / "made").exists()
