"""The demonstration carries a model through everything on sound of the tests' own."""

from __future__ import annotations

import json

import pytest
from tests.tones import write_tones

from auricle.verbs.demo import demo


def test_the_whole_pipe_is_shown(tmp_path):
    tones = write_tones(tmp_path / "tones", clips=24)
    steps = {step.title: step for step in demo(data=str(tones), out=tmp_path / "demo")}
    assert list(steps) == [
        "data",
        "train, evaluate, export",
        "verify",
        "predict, in a process that cannot import torch",
        "stream",
        "done",
    ]
    run = tmp_path / "demo"
    for name in ("report.html", "model.onnx", "MODEL_CARD.md", "bundle/bundle.json", "recording.wav"):
        assert (run / name).is_file(), name
    accuracy = json.loads((run / "metrics.json").read_text())["scores"]["balanced_accuracy"]["value"]
    assert accuracy > 1.5 / 3  # three classes that differ like a tone and a noise
    assert "chance would be 0.333" in steps["train, evaluate, export"].text()
    assert "within 0.0001" in steps["verify"].text()
    told = steps["predict, in a process that cannot import torch"].told
    assert len(told) == 3
    assert all(any(label in line for label in ("noise", "octave", "tone")) for line in told)
    assert str(run / "report.html") in steps["done"].text()


def test_made_up_sounds_are_called_so(tmp_path, monkeypatch):
    monkeypatch.delenv("AURICLE_DATA", raising=False)
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path))
    step = next(iter(demo()))
    assert step.told[0] == "sketches"
    assert "not recordings" in step.text()


def test_real_sound_is_taken_where_it_is(shared, monkeypatch):
    monkeypatch.setenv("AURICLE_DATA", str(shared))
    step = next(iter(demo()))
    assert step.told[0] == "fsdd"
    assert "3000 clips" in step.text()


@pytest.mark.parametrize("data", ["fssd", "no/such/folder"])
def test_what_is_not_there_is_said(data):
    with pytest.raises(Exception, match=r"known corpus|not there") as raised:
        list(demo(data=data))
    assert raised.value.exit_code == 2
