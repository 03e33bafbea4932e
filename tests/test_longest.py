"""Clips longer than a network hears: trained on, evaluated, exported and predicted in passages, with the same answers everywhere."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("transformers")
import torch

import auricle
from auricle import bundle as bundles
from auricle import catalog, cli
from auricle.audio.window import passages
from auricle.errors import ShapeError

RATE, LABELS = 8000, ("high", "low", "noise")
FORMS = {  # front end and network, and the samples that it hears at most
    "ast": ({"name": "filter_bank", "bins": 20}, 8199),  # 100 frames of 25 ms every 10 ms, and what makes no frame
    "whisper": ({"name": "log_mel", "padding": "reflect_silence", "bins": 20}, 16060),
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each class five clips: from half a second to five, which neither network hears whole."""
    folder = tmp_path_factory.mktemp("long") / "clips"
    chance = np.random.default_rng(3)
    for label in LABELS:
        (folder / label).mkdir(parents=True)
        for i, seconds in enumerate((0.5, 1.03, 2.5, 3.1, 5.0)):
            at = np.arange(round(seconds * RATE)) / RATE
            tone = np.sin(2 * np.pi * {"high": 1900, "low": 310, "noise": 0}[label] * at * (1 + 0.05 * np.sin(at * (1 + i))))
            wave = 0.3 * tone + chance.normal(size=len(at)) * (0.1 if label == "noise" else 0.01)
            soundfile.write(folder / label / f"{i}.wav", wave, RATE)
    return folder


@pytest.mark.parametrize("name", ["ast", pytest.param("whisper", marks=pytest.mark.slow)])
def test_longer_clips_are_heard_in_passages_by_all_alike(
    name: str, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frontend, most = FORMS[name]
    stages = {"frontend": frontend, "model": {"name": name, **catalog.load("models", name).small}}
    settings = [f"{kind}.{key}={_toml(value)}" for kind, each in stages.items() for key, value in each.items()]
    settings += [
        f"sample_rate={RATE}",
        "train.epochs=1",
        "train.batch=4",
        "train.device='cpu'",
        "train.progress=false",
        "split.dev_fraction=0.2",
    ]
    run = tmp_path / "run"
    words = ["train", str(clips), "--recipe", "default", "--out", str(run), *(word for each in settings for word in ("--set", each))]
    assert cli.main(words) == 0, capsys.readouterr().err
    assert cli.main(["evaluate", str(run)]) == 0, capsys.readouterr().err
    bundle, model = bundles.load(run), auricle.load(run)
    assert model.facts.max_samples == bundle.pipe.max_samples == most
    row = round(bundle.recipe.feed.seconds * RATE)
    assert row <= most
    with (run / "predictions.csv").open(encoding="utf-8") as file:
        judged = {each["path"]: [float(each[f"p:{label}"]) for label in LABELS] for each in csv.DictReader(file)}
    assert any(soundfile.info(path).frames > most for path in judged)
    for path in sorted(clips.rglob("*.wav")):
        wave = soundfile.read(path, dtype="float32")[0]
        found = model.predict(path).probabilities
        cut = passages(len(wave), row, longest=most)
        assert len(cut) == 1 if len(wave) <= most else max(b - a for a, b in cut) == row
        with torch.no_grad():
            pieces = [torch.from_numpy(np.pad(wave[a:b], (0, max(0, model.facts.shortest - (b - a))))) for a, b in cut]
            logits = torch.cat([bundle.pipe(piece[None], torch.tensor([len(piece)])) for piece in pieces])
        share = torch.tensor([(b - a) / len(wave) for a, b in cut])
        wanted = ((logits / bundle.temperature).softmax(-1) * share[:, None]).sum(0)
        answers = [found[label] for label in LABELS]
        assert answers == pytest.approx(wanted.tolist(), abs=1e-4)
        assert answers == pytest.approx(judged.get(str(path), answers), abs=1e-4)
    samples = np.zeros((1, most + 1), np.float32)
    with pytest.raises(ShapeError, match=f"the wave has {most + 1} samples; model.onnx hears at most {most}"):
        model.runner.run(samples)
    assert cli.main([*words, "--out", str(tmp_path / "other"), "--set", "feed.seconds=4"]) == 2
    assert f"feed.seconds is 4; {name} hears {most / RATE:g} s at most" in capsys.readouterr().err


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return str(value).lower() if isinstance(value, bool) else repr(value)
