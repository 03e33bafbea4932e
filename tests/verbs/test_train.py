"""The command, end to end: killed and interrupted for real, resumed to the same weights; the run's folder whole."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.learning.test_checkpoint import no_file_beyond
from tests.tones import TINY

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.errors import AuricleError, BundleError, RequestError
from auricle.learning import checkpoint
from auricle.verbs import train as verb
from auricle.verbs.train import Trained, train

_FILES = {
    "recipe.json",
    "log.csv",
    "metrics.json",
    "predictions.csv",
    "skipped.csv",
    "environment.json",
    "bundle",
    "model.onnx",
    "report.html",
    "MODEL_CARD.md",
    "checkpoints",
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.json"
    path.write_text(json.dumps({**TINY, "train": {**TINY["train"], "epochs": 30, "checkpoint_minutes": 0.001}}))
    return path


@pytest.fixture(scope="module")
def done(tones: Path, recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(str(tones), recipe=str(recipe), out=tmp_path_factory.mktemp("runs") / "whole")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_folder_holds_every_file_and_they_agree(done: Trained, tones: Path) -> None:
    assert {p.name for p in done.run.iterdir()} == _FILES
    assert not done.skipped
    metrics = json.loads((done.run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics == done.metrics
    assert metrics["task"] == {"labels": ["noise", "octave", "tone"], "kind": "single"}
    protocol = metrics["protocol"]
    predictions = _rows(done.run / "predictions.csv")
    assert len(predictions) == protocol["test_clips"]
    assert protocol["train_clips"] + protocol["test_clips"] < 24  # some choose
    for row in predictions:
        p = {label: float(row[f"p:{label}"]) for label in metrics["task"]["labels"]}
        assert sum(p.values()) == pytest.approx(1.0, abs=1e-5)
        assert p[row["prediction"]] == max(p.values()) == pytest.approx(float(row["score"]))
        assert row["truth"] == Path(row["path"]).parent.name
    right = sum(row["truth"] == row["prediction"] for row in predictions) / len(predictions)
    assert metrics["scores"]["accuracy"]["value"] == pytest.approx(right)
    assert right > 0.6
    log = _rows(done.run / "log.csv")
    assert list(log[0]) == ["epoch", "lr", "train_loss", "dev_loss", "dev_accuracy", "seconds", "data_seconds"]
    assert [float(row["epoch"]) for row in log] == list(range(30))
    assert json.loads(json.dumps(recipes.read(done.run / "recipe.json").tree())) == json.loads((done.run / "recipe.json").read_text())
    bundle = bundles.load(done.run)
    assert bundle.card["scores"] == metrics["scores"]
    assert bundle.card["protocol"] == protocol
    environment = json.loads((done.run / "environment.json").read_text())
    assert environment["data"] == str(tones)
    assert environment["identity"] == bundle.recipe.identity == protocol["recipe"]
    assert "torch" in environment["packages"]
    text = done.text()
    assert str(done.run / "report.html") in text
    assert "auricle predict" in text


def _command(*words: str, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    program = [sys.executable, "-c", "import sys; from auricle.cli import main; sys.exit(main())", *words]
    return subprocess.Popen(program, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _written(newest: Path) -> int:
    """When the newest checkpoint was written; 0 while there is none, as between its two renames."""
    try:
        return newest.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _moved(process: subprocess.Popen[str], newest: Path, steps: int) -> None:
    """Wait until the process has written so many further checkpoints."""
    seen = {_written(newest)}
    until = time.monotonic() + 120
    while len(seen) <= steps and time.monotonic() < until:
        assert process.poll() is None, process.communicate()
        seen.add(_written(newest) or max(seen))
        time.sleep(0.005)
    assert len(seen) > steps


def test_killed_interrupted_terminated_and_resumed(done: Trained, tones: Path, recipe: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    newest = run / "checkpoints" / checkpoint.NEWEST
    words = ["train", str(tones), "--recipe", str(recipe), "--out", "run"]
    for number, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 130)):
        process = _command(*words, folder=tmp_path)
        _moved(process, newest, 3)
        process.send_signal(number)
        _, told = process.communicate(timeout=120)
        assert process.returncode == code, told
        if code == 130:
            assert "auricle train --resume run" in told
            assert "Traceback" not in told
        words = ["train", "--resume", "run"]
    at = checkpoint.read(newest.parent)[1]["progress"]
    assert 0 < at["epoch"] * 3 + at["step"] < at["total"]
    process = _command(*words, folder=tmp_path)
    out, told = process.communicate(timeout=200)
    assert process.returncode == 0, told
    assert "accuracy" in out
    whole, resumed = (p / "bundle" / "weights.safetensors" for p in (done.run, run))
    assert whole.read_bytes() == resumed.read_bytes()
    assert {p.name for p in run.iterdir()} == _FILES
    assert (run / "predictions.csv").read_text() == (done.run / "predictions.csv").read_text()
    timeless = [[{k: row[k] for k in ("epoch", "lr", "train_loss", "dev_loss")} for row in _rows(p / "log.csv")] for p in (done.run, run)]
    assert timeless[0] == timeless[1]


def test_run_is_not_overwritten_by_another(done: Trained, tones: Path) -> None:
    with pytest.raises(RequestError, match="already holds a run") as told:
        train(str(tones), out=done.run)
    assert f"auricle train --resume {done.run}" in told.value.hint


def test_a_probe_that_is_refused_leaves_its_folder_free(tones: Path, tmp_path: Path) -> None:
    settings = ("transfer.probe=linear", "model.name=cnn", "feed.seconds=0.5", "train.progress=false")
    with pytest.raises(RequestError, match="no embedding and linear layer"):
        train(str(tones), recipe="default", set_=(*settings, "head.name=decision_pool"), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert train(str(tones), recipe="default", set_=settings, out=tmp_path / "run").run.is_dir()


def test_neither_and_both_and_no_run(done: Trained, tmp_path: Path) -> None:
    for data, resume in (("", None), ("x", done.run)):
        with pytest.raises(RequestError, match="either data to train on or --resume"):
            train(data, resume=resume)
    with pytest.raises(BundleError, match="is not a run"):
        train(resume=tmp_path)


def test_disk_that_fills_up_says_so_and_how_to_go_on(
    done: Trained, tones: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing can be written any more once training has begun: it trains on, tells once, and the last checkpoint is gone on from."""
    from auricle.learning.loop import Training

    epoch, full = Training._close_epoch, no_file_beyond(500)

    def fill(self: Training) -> None:
        if self.at.epoch == 1:
            full.__enter__()
        epoch(self)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_close_epoch", fill)
        try:
            with pytest.raises(AuricleError, match="File too large") as told:
                train(str(tones), recipe=str(recipe), out=tmp_path / "run")
        finally:
            full.__exit__(None, None, None)
    assert told.value.hint == f"auricle train --resume {tmp_path / 'run'} goes on from its last checkpoint"
    said = capsys.readouterr().err
    assert said.count("no checkpoint could be written") == 1
    monkeypatch.setattr(verb, "_written", lambda prepared, bundle, folder, display: bundles.save(bundle, folder / "bundle") or {})
    train(resume=tmp_path / "run")
    whole, resumed = (p / "bundle" / "weights.safetensors" for p in (done.run, tmp_path / "run"))
    assert whole.read_bytes() == resumed.read_bytes()


def test_budget_of_the_recipe_counts(tones: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "_written", lambda prepared, bundle, folder, display: {})
    begun = time.monotonic()
    train(str(tones), recipe=str(recipe), set_=('train.time="2s"', "train.epochs=100000"), out=tmp_path / "run")
    assert time.monotonic() - begun < 30
    log = _rows(tmp_path / "run" / "log.csv")
    assert float(log[-1]["lr"]) < 0.3 * max(float(row["lr"]) for row in log)


def test_several_labels(tones: Path, recipe: Path, tmp_path: Path) -> None:
    clips = [(p, p.parent.name) for p in sorted(tones.rglob("*.wav"))]
    lines = [f"{p},{label}{'|quiet' if int(p.stem) % 2 else ''}" for p, label in clips]
    (tmp_path / "broken.wav").write_text("no sound")
    (tmp_path / "table.csv").write_text("path,labels\n" + "\n".join([*lines, f"{tmp_path / 'broken.wav'},tone"]) + "\n")
    found = train(str(tmp_path / "table.csv"), recipe=str(recipe), set_=("train.epochs=3",), out=tmp_path / "run")
    assert found.metrics["task"]["kind"] == "multi"
    assert "mean_average_precision" in found.metrics["scores"]
    assert [s.path.name for s in found.skipped] == ["broken.wav"]
    assert "broken.wav" in _rows(tmp_path / "run" / "skipped.csv")[0]["path"]
    bundle = bundles.load(tmp_path / "run")
    assert len(bundle.thresholds) == len(bundle.task.labels) == 4
    assert all(math.isfinite(t) for t in bundle.thresholds)
    assert "|" in "".join(row["truth"] for row in _rows(tmp_path / "run" / "predictions.csv"))


def test_two_processes_train_one_model_and_one_of_them_writes(tones: Path, recipe: Path, tmp_path: Path) -> None:
    program = [str(Path(sys.executable).with_name("auricle")), "train", str(tones), "--recipe", str(recipe), "--out", "run"]
    words = [*program, "--set", "train.devices=2", "--set", "train.epochs=2"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("report ") == 1
    assert {p.name for p in (tmp_path / "run").iterdir()} == _FILES


def test_two_processes_that_are_interrupted_tell_it_once(tones: Path, recipe: Path, tmp_path: Path) -> None:
    program = [str(Path(sys.executable).with_name("auricle")), "train", str(tones), "--recipe", str(recipe), "--out", "run"]
    words = [*program, "--set", "train.devices=2", "--set", "train.epochs=3000"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(words, cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True, **pipes)
    _moved(process, tmp_path / "run" / "checkpoints" / checkpoint.NEWEST, 2)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C reaches both
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert told.count("auricle train --resume run") == 1
    assert "Traceback" not in told


def test_several_devices_need_a_batch_to_share_and_no_clock(tones: Path, recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"train.batch is 1, which 2 processes"):
        train(str(tones), recipe=str(recipe), set_=("train.devices=2", "train.batch=1"), out=tmp_path / "run")
    with pytest.raises(RequestError, match="a time budget needs one process"):
        train(str(tones), recipe=str(recipe), set_=("train.devices=2",), time="5s", out=tmp_path / "run")
