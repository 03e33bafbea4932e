"""Evaluation: the same figures again, other data, all folds pooled and gone on with."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from tests.tones import TINY

from auricle.errors import DataError, RequestError
from auricle.learning.loop import Training
from auricle.verbs.evaluate import evaluate
from auricle.verbs.train import train


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.json"
    path.write_text(json.dumps(TINY))
    return path


@pytest.fixture(scope="module")
def run(tones: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(str(tones), recipe=str(recipe), out=tmp_path_factory.mktemp("runs") / "run").run


@pytest.fixture(scope="module")
def folded(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "folded.csv"
    lines = [f"{p},{p.parent.name},{'ab'[int(p.stem) % 2]}" for p in sorted(tones.rglob("*.wav"))]
    path.write_text("path,label,fold\n" + "\n".join(lines) + "\n")
    return path


def _predictions(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_figures_again(run: Path) -> None:
    before, rows = json.loads((run / "metrics.json").read_text()), _predictions(run)
    found = evaluate(str(run))
    assert found.metrics["scores"] == before["scores"]
    assert found.metrics["confusion"] == before["confusion"]
    assert {k: v for k, v in found.metrics["protocol"].items() if k != "date"} == {
        k: v for k, v in before["protocol"].items() if k != "date"
    }
    assert _predictions(run) == rows
    assert json.loads((run / "metrics.json").read_text())["scores"] == before["scores"]


def test_other_data(run: Path, tmp_path: Path) -> None:
    before = (run / "metrics.json").read_text()
    chance = np.random.default_rng(5)
    for label in ("noise", "tone"):
        (tmp_path / "other" / label).mkdir(parents=True)
        for i in range(3):
            wave = chance.normal(size=12000) if label == "noise" else np.sin(np.arange(12000) * chance.uniform(0.1, 0.3))
            soundfile.write(tmp_path / "other" / label / f"{i}.wav", 0.1 * wave, 16000)
    found = evaluate(str(run), data=str(tmp_path / "other"))
    assert found.folder == run / "evaluation-other"
    assert (found.folder / "report.html").is_file()
    assert found.metrics["protocol"]["test_clips"] == 6
    assert "other" in found.metrics["protocol"]["rule"]
    assert found.metrics["task"]["labels"] == ["noise", "octave", "tone"]
    assert {row["truth"] for row in _predictions(found.folder)} == {"noise", "tone"}
    assert (run / "metrics.json").read_text() == before
    (tmp_path / "other" / "noise").rename(tmp_path / "other" / "whistle")
    with pytest.raises(DataError, match="labels that the model does not know: whistle"):
        evaluate(str(run), data=str(tmp_path / "other"))


def test_what_does_not_go_together(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is not the folder of a run"):
        evaluate(str(tmp_path))
    with pytest.raises(RequestError, match="belong to --folds"):
        evaluate(str(run), set_=("train.epochs=1",))


def test_folds_are_pooled_and_gone_on_with(folded: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: dict[str, Any] = {"folds": True, "recipe": str(recipe)}
    whole = evaluate(str(folded), out=tmp_path / "whole", **arguments)
    assert sorted(whole.folds) == ["a", "b"]
    assert whole.metrics["protocol"]["test_clips"] == 24
    rows = _predictions(tmp_path / "whole")
    assert len({row["path"] for row in rows}) == 24
    for name in "ab":
        part = _predictions(tmp_path / "whole" / name)
        assert {"ab"[int(Path(row["path"]).stem) % 2] for row in part} == {name}
        assert whole.folds[name] == pytest.approx(sum(row["truth"] == row["prediction"] for row in part) / len(part))
    right = sum(row["truth"] == row["prediction"] for row in rows) / 24
    assert whole.metrics["scores"]["accuracy"]["value"] == pytest.approx(right)

    close, trained = Training._close_epoch, []

    def interrupt(self: Training) -> None:
        close(self)
        trained.append(self.recipe.split.test)
        if self.recipe.split.test == "b" and self.at.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_close_epoch", interrupt)
        with pytest.raises(KeyboardInterrupt, match="the same command again"):
            evaluate(str(folded), out=tmp_path / "cut", **arguments)
    monkeypatch.setattr(Training, "_close_epoch", lambda self: (close(self), trained.append(self.recipe.split.test)))
    again = evaluate(str(folded), out=tmp_path / "cut", **arguments)
    assert trained == ["a"] * 4 + ["b"] * 4  # no epoch twice
    assert again.metrics["scores"] == whole.metrics["scores"]
    assert _predictions(tmp_path / "cut") == rows


def test_fold_of_other_settings_is_never_taken_for_this_one(
    folded: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun anew with other settings and cut short, a fold must not be found finished by the figures of its first training."""
    arguments: dict[str, Any] = {"folds": True, "recipe": str(recipe), "out": tmp_path}
    evaluate(str(folded), set_=("train.epochs=1",), **arguments)
    close = Training._close_epoch

    def interrupt(self: Training) -> None:
        close(self)
        signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_close_epoch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            evaluate(str(folded), set_=("train.epochs=3",), **arguments)
    seen: list[int] = []
    monkeypatch.setattr(Training, "_close_epoch", lambda self: (close(self), seen.append(self.at.epoch)))
    evaluate(str(folded), set_=("train.epochs=3",), **arguments)
    assert seen == [2, 3, 1, 2, 3]
