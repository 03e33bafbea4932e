"""Words spoken into a folder of labelled clips, through a stand-in for the engine: what is written, again, and what can't be said."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.audio import espeak
from tests.tones import TINY, prepared

from auricle import cli
from auricle import recipe as recipes
from auricle.audio.read import read
from auricle.datasets._corpus import open_corpus
from auricle.datasets._division import divide
from auricle.errors import RequestError
from auricle.settings import Split
from auricle.verbs.synthesise import synthesise
from auricle.verbs.train import train


@pytest.fixture(autouse=True)
def _engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    espeak.install(tmp_path / "bin", monkeypatch)


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "clips.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_folder_of_labelled_clips_whose_group_is_the_voice(tmp_path: Path) -> None:
    made = synthesise("yes, turn_off", out=tmp_path / "said", clips=14, sample_rate=8000, suffix="flac", pitch="40..60", speed="200")
    assert (made.clips, made.voices, made.skipped) == ({"yes": 14, "turn_off": 14}, 14, ())
    found = rows(made.folder)
    assert {row["text"] for row in found} == {"yes", "turn off"}
    assert {row["speed"] for row in found} == {"200"}
    assert all(40 <= int(row["pitch"]) <= 60 for row in found)
    for row in found[::9]:
        clip = read(made.folder / row["path"])
        assert clip.sample_rate == 8000
        assert clip.duration == pytest.approx(10 * len(row["text"].replace(" ", "")) / 200 + 0.02, abs=0.01)
    corpus = open_corpus(str(made.folder))
    assert corpus.task.labels == ("turn_off", "yes")
    assert [item.group for item in corpus.items] == [row["group"] for row in found]
    parts = divide(corpus.items, Split(rule="random"), seed=0)
    assert not {item.group for item in parts.train} & {item.group for item in parts.dev + parts.test}
    told = json.loads((made.folder / "origin.json").read_text())
    assert (told["by"], told["heard"]) == ("eSpeak NG text-to-speech: 1.0-tone", {"files": [], "groups": []})


def test_the_same_again_and_other_words_beside_it_change_nothing(tmp_path: Path) -> None:
    first = synthesise("yes,no", out=tmp_path / "first", clips=3)
    again = synthesise("no,yes,go", out=tmp_path / "again", clips=3)
    other = synthesise("yes,no", out=tmp_path / "other", clips=3, seed=1)
    by_path = [{row["path"]: row for row in rows(made.folder)} for made in (first, again, other)]
    for path, row in by_path[0].items():
        assert by_path[1][path] == row
        assert (first.folder / path).read_bytes() == (again.folder / path).read_bytes()
    assert by_path[0] != by_path[2]
    with pytest.raises(RequestError, match=r"clips\.csv is already there"):
        synthesise("yes,no", out=tmp_path / "first")


def test_a_file_of_labels_and_what_to_say_for_them(tmp_path: Path) -> None:
    (tmp_path / "digits.txt").write_text("\ufeff0\tzero\n0\toh\n\n1\tone\n1\tone\n", encoding="utf-8")
    made = synthesise(str(tmp_path / "digits.txt"), out=tmp_path / "said", clips=2, voices="en-us+f2")
    assert [(row["label"], row["text"]) for row in rows(made.folder)] == [("0", "zero")] * 2 + [("0", "oh")] * 2 + [("1", "one")] * 2
    assert {row["group"] for row in rows(made.folder)} == {"en-us+f2"}
    assert made.voices == 1


def test_what_cannot_be_said_is_one_sentence_each_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "words.txt").write_text("yes\nmarks\t?!\n../up\n\tlost\nno\n", encoding="utf-8")
    words = [str(tmp_path / "words.txt"), "--out", str(tmp_path / "said"), "--clips", "2", "--voices", "en-gb,xx,en-us+f9"]
    assert cli.main(["synthesise", *words]) == 3
    said = capsys.readouterr()
    assert said.out.startswith("4 clips of 2 words by 1 voices")
    assert said.err.splitlines() == [
        "skipped: xx: espeak-ng has no voice 'xx'",
        "skipped: en-us+f9: espeak-ng has no variant 'f9' of a voice",
        "skipped: marks: 2 of 2 clips of it could not be made; the first: '?!' holds nothing that the voice en-gb pronounces",
        "skipped: ../up: the label '../up' can't name a folder",
        "skipped: lost: there is no label",
    ]
    assert sorted(path.relative_to(tmp_path / "said").as_posix() for path in (tmp_path / "said").rglob("*.wav")) == [
        "no/00000.wav",
        "no/00001.wav",
        "yes/00000.wav",
        "yes/00001.wav",
    ]
    assert not (tmp_path / "up").exists()


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        (" , ", {}, "holds no word"),
        ("words.txt", {}, r"words\.txt is not there"),
        ("yes", {"pitch": "60..40"}, r"--pitch is '60\.\.40'; wanted two whole numbers such as 0\.\.99"),
        ("yes", {"speed": "fast"}, "--speed is 'fast'"),
        ("yes", {"voices": "xx,yy"}, "none of the voices 'xx,yy' can be had: espeak-ng has no voice 'xx'"),
        ("yes", {"clips": 0}, "clips is 0"),
        ("?!", {"clips": 1}, "nothing of '\\?!' was said"),
    ],
)
def test_what_is_refused(tmp_path: Path, words: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        synthesise(words, out=tmp_path / "said", **settings)
    assert not (tmp_path / "said" / "clips.csv").exists()


def test_without_the_engine_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["synthesise", "yes", "--out", str(tmp_path / "said")]) == 1
    assert capsys.readouterr().err.splitlines()[0] == "error: espeak-ng, which speaks, is not on this machine"


def test_spoken_clips_train_beside_recorded_ones_and_never_judge(tmp_path: Path, tones: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({**TINY, "train": {**TINY["train"], "epochs": 1}}))
    made = synthesise("tone,noise", out=tmp_path / "said", clips=5)
    alone = prepared(tones, recipes.read(tmp_path / "recipe.json")).division
    run = train(str(tones), recipe=str(tmp_path / "recipe.json"), also=(str(made.folder),), out=tmp_path / "run")
    protocol = run.metrics["protocol"]
    assert protocol["train_clips"] == len(alone.train) + 10
    assert (protocol["test_clips"], protocol["digest"]) == (len(alone.test), alone.digest)
    assert protocol["rule"] == f"{alone.protocol} Clips that only train: 10 of said."
    with (run.run / "predictions.csv").open(encoding="utf-8") as file:
        assert not [row for row in csv.DictReader(file) if "said" in Path(row["path"]).parts]
    card = json.loads((run.run / "bundle" / "bundle.json").read_text())["card"]
    assert [(each["data"], each["clips"], each["held_out"], each["license"]) for each in card["also"]] == [("said", 10, 0, "yours")]
    assert "Clips that only train: 10 of said" in (run.run / "MODEL_CARD.md").read_text()
