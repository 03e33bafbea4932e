"""Published weights end to end: brought from a file, exported, predicting without torch; the real ones hear what ten clips hold."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tests.house.test_island import BLOCK
from tests.test_pretrained import published

from auricle import backbones, cli, pretrained
from auricle.errors import RequestError
from auricle.exporters._parity import Parity
from auricle.exporters.onnx import Onnx
from auricle.runtime import load
from auricle.verbs.download import download
from auricle.verbs.export import export

NAME = "mobile_net.mn04"
REAL = Path(os.environ.get("AURICLE_DATA") or Path(__file__).parents[3] / "shared") / "weights"
# Of ESC-10, by class: a name of AudioSet that says the same.
ALIKE = {
    "dog": "Dog",
    "rain": "Rain",
    "sea_waves": "Waves, surf",
    "crying_baby": "Baby cry, infant cry",
    "clock_tick": "Tick-tock",
    "sneezing": "Sneeze",
    "helicopter": "Helicopter",
    "chainsaw": "Chainsaw",
    "rooster": "Chicken, rooster",
    "crackling_fire": "Fire",
}


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds mn04, not yet exported: the real one where it is at hand, random weights in its place elsewhere."""
    folder = tmp_path_factory.mktemp("cached")
    copy, weights = next(iter(REAL.glob("mn04*.pt")), None), pretrained.about(NAME)
    if copy is None:
        copy, weights = folder / "mn04.pt", replace(weights, checksums=())
        torch.save(published(NAME), copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AURICLE_CACHE", str(folder))
        pretrained.bring(weights, source=copy)
    return folder


@pytest.fixture(scope="module")
def ready(cached: Path) -> Path:
    """The same, exported as `auricle download` does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AURICLE_CACHE", str(cached))
        told = download(NAME)
    assert "licence  MIT" in told.text()
    assert (told.root / "model.onnx").is_file()
    return cached


@pytest.fixture(scope="module")
def real(shared: Path, ready: Path) -> Path:
    """The real one, exported; skips where it is not at hand."""
    assert (shared / "weights").is_dir()
    return ready


def without_torch(cache: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = f"{BLOCK}\nimport sys\nfrom auricle import cli\nsys.exit(cli.main({list(words)!r}))"
    surroundings = {**os.environ, "AURICLE_CACHE": str(cache), "NO_COLOR": "1"}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=surroundings, check=False)


def test_only_what_is_exported_predicts(cached, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(cached))
    if not (cached / "weights" / NAME / "model.onnx").is_file():
        with pytest.raises(RequestError, match="not exported yet") as raised:
            load(NAME)
        assert raised.value.hint == f"auricle export {NAME}"


def test_weights_predict_by_name_without_torch(ready, tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(ready))
    model = load(NAME)
    assert model.labels == pretrained.about(NAME).names()
    assert (model.kind, model.sample_rate, len(model.labels)) == ("multi", 32_000, 527)
    assert model.card["published"]["mean_average_precision"] == 0.432
    sound = tmp_path / "a.wav"
    soundfile.write(sound, np.random.default_rng(0).normal(size=40_000) * 0.1, 16_000)
    told = without_torch(ready, "predict", NAME, str(sound), "--top", "3")
    assert told.returncode == 0, told.stderr
    assert len(told.stdout.strip().split("\t")) == 4


def test_export_takes_a_name(cached, tmp_path, monkeypatch):
    """What it writes, the tests of `export` look at."""
    monkeypatch.setenv("AURICLE_CACHE", str(cached))
    written = []

    def write(_self, bundle, path, **_settings):
        written.append((bundle.card["license"], path))
        return Parity(1, 0.0, 0.0, 0.0, 1)

    monkeypatch.setattr(Onnx, "write", write)
    assert export(Path(NAME), out=tmp_path / "x.onnx").path == tmp_path / "x.onnx"
    assert export(Path(NAME)).path == cached / "weights" / NAME / "model.onnx"
    assert [terms for terms, _ in written] == ["MIT", "MIT"]
    with pytest.raises(RequestError, match="not on this machine"):
        export(Path("cnn6.audioset"))


def test_what_can_t_be_brought_is_said(capsys, tmp_path):
    assert cli.main(["download", "mobile_net.mn03"]) == 2
    assert "did you mean mobile_net.mn" in capsys.readouterr().err
    assert cli.main(["download", NAME, "--root", str(tmp_path)]) == 2
    assert cli.main(["download", "esc10", "--from", "x.zip"]) == 2
    assert cli.main(["download", NAME]) == 1
    assert "AURICLE_OFFLINE is set" in capsys.readouterr().err
    assert cli.main(["predict", NAME, "a.wav"]) == 2
    assert f"auricle download {NAME}" in capsys.readouterr().err


def test_shown_with_licence_size_and_where(cached, monkeypatch, capsys):
    monkeypatch.setenv("AURICLE_CACHE", str(cached))
    assert cli.main(["show", "weights"]) == 0
    rows = {row.split()[0]: row for row in capsys.readouterr().out.splitlines()}
    assert rows.keys() == {*pretrained.names(), *backbones.names()}
    assert {"here", "MIT", "4.1"} <= set(rows[NAME].split())
    assert "here" not in rows["cnn14.audioset"].split()
    assert cli.main(["show", "weights", "cnn14.audioset"]) == 0
    assert "0.431 on AudioSet" in capsys.readouterr().out


def test_a_dog_barks(real, shared):
    told = without_torch(real, "predict", NAME, str(shared / "data" / "esc10" / "001 - Dog bark" / "1-30226-A.ogg"))
    assert told.returncode == 0, told.stderr
    found = dict(each.rsplit(" ", 1) for each in told.stdout.strip().split("\t")[1:])
    assert {k: round(float(v), 2) for k, v in found.items() if k in ("Animal", "Dog", "Bark")} == {
        "Animal": 0.78,
        "Dog": 0.78,
        "Bark": 0.64,
    }


def test_ten_clips_are_tagged_by_what_they_hold(real, shared, monkeypatch):
    """Five clips of each class: its own tag is among the five most probable in at least one of each, and in most of all."""
    monkeypatch.setenv("AURICLE_CACHE", str(real))
    model = load(NAME)
    folder = shared / "data" / "esc10"
    with (folder / "esc10.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    hits = 0
    for kind, label in ALIKE.items():
        clips = [row["filename"] for row in rows if row["category"] == kind][:5]
        heard = [label in list(model.predict(folder / name).probabilities)[:5] for name in clips]
        assert any(heard), kind
        hits += sum(heard)
    assert hits >= 35


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conv_next.audioset_471", "cnn14.audioset"])
def test_a_large_tagger_is_a_command_away(name, tmp_path, monkeypatch, capsys):
    """From a file in the published layout, of random numbers, to tags by the file's own names, which need no torch any more."""
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    torch.save({"model": published(name)}, tmp_path / "published.pth")
    about = pretrained.about
    monkeypatch.setattr(pretrained, "about", lambda asked: replace(about(asked), checksums=(), threshold=0.0))
    assert cli.main(["download", name, "--from", str(tmp_path / "published.pth")]) == 0
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, 0.1 * np.random.default_rng(0).standard_normal(48_000), 32_000)
    capsys.readouterr()
    done = without_torch(tmp_path / "cache", "predict", name, str(clip), "--json")
    assert done.returncode == 0, done.stderr
    (row,) = (json.loads(line) for line in done.stdout.splitlines())
    assert {each["label"] for each in row["decisions"]} <= set(about(name).names())
    assert cli.main(["export", name, "--out", str(tmp_path / "tagger.onnx")]) == 0
    assert cli.main(["verify", str(tmp_path / "tagger.onnx")]) == 0
