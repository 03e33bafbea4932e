"""Killed anywhere, a run goes on to the same weights to the last bit."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tones import prepared, recipe_of

from auricle.errors import BundleError
from auricle.learning import checkpoint, experiment
from auricle.learning.experiment import Prepared
from auricle.learning.loop import Training
from auricle.pipe import Pipe

_FULL = {"epochs": 8, "patience": 50, "sampler": "balanced", "workers": 2, "checkpoint_minutes": 0.001}
_PLAIN = {"epochs": 8, "ema": 0.0, "workers": 1, "checkpoint_minutes": 0.002}


def _run(data: Path, folder: Path, settings: dict[str, Any], began: Any) -> None:
    """In a process of its own: train, or go on training, and write the weights."""
    torch.set_num_threads(1)
    training = experiment.training(prepared(data, recipe_of(**settings)))
    if checkpoint.found(folder):
        training.restore(folder)
    began.set()
    pipe = training.run(folder, lambda at, loss: None)
    checkpoint.write(folder / "done", pipe.state_dict(), {"epochs": len(training.at.rows)})


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Any]]:
    """Starts `_run` in a process that is forked off one which has imported everything and runs no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["auricle.learning.experiment", "auricle.models.cnn", "auricle.frontends.log_mel", "soundfile", "soxr"])

    def start(data: Path, folder: Path, settings: dict[str, Any]) -> Any:
        began = context.Event()
        process = context.Process(target=_run, args=(data, folder, settings, began), daemon=True)
        process.start()
        assert began.wait(60)
        return process

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2]))  # the processes import this file by its name
        yield start


@pytest.mark.parametrize("settings", [_FULL, _PLAIN], ids=["full", "plain"])
def test_killed_at_random_points(tmp_path: Path, tones: Path, start: Callable[..., Any], settings: dict[str, Any]) -> None:
    whole = start(tones, tmp_path / "whole", settings)
    before = time.monotonic()
    whole.join()
    took = time.monotonic() - before
    assert whole.exitcode == 0
    chance = random.Random(settings["epochs"])
    kills = 0
    for _ in range(4):
        process = start(tones, tmp_path / "killed", settings)
        process.join(chance.uniform(0.05, 0.45) * took)
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.join()
    last = start(tones, tmp_path / "killed", settings)
    last.join()
    assert last.exitcode == 0
    assert kills >= 2
    wanted, got = (checkpoint.read(tmp_path / name / "done") for name in ("whole", "killed"))
    assert got[1] == wanted[1]
    assert all(torch.equal(got[0][k], wanted[0][k]) for k in wanted[0])


class _Crash(Exception):
    pass


def _finished(prepared: Prepared, folder: Path, report: Any = lambda at, loss: None) -> Pipe:
    training = experiment.training(prepared)
    if checkpoint.found(folder):
        training.restore(folder)
    return training.run(folder, report)


def _equal(one: Pipe, two: Pipe) -> bool:
    a, b = one.state_dict(), two.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_damaged_newest_goes_on_from_the_previous_one(tmp_path: Path, prepare: Callable[..., Prepared]) -> None:
    ready = prepare(epochs=3, checkpoint_minutes=0.0)

    def crash(at: Any, loss: float) -> None:
        if at.epoch == 1 and at.step == 3:
            raise _Crash

    with pytest.raises(_Crash):
        _finished(ready, tmp_path / "b", crash)
    newest = tmp_path / "b" / checkpoint.NEWEST
    newest.write_bytes(newest.read_bytes()[:-200])
    seen: list[tuple[int, int]] = []
    again = _finished(ready, tmp_path / "b", lambda at, loss: seen.append((at.epoch, at.step)))
    assert seen[0] == (1, 2)  # the checkpoint after step 2 was damaged: the one after step 1 was gone on from
    assert _equal(again, _finished(ready, tmp_path / "a"))


def test_interruption_is_between_steps_and_resumes_within_the_epoch(tmp_path: Path, prepare: Callable[..., Prepared]) -> None:
    ready = prepare(epochs=3)

    def interrupt(at: Any, loss: float) -> None:
        if at.epoch == 1 and at.step == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        _finished(ready, tmp_path / "b", interrupt)
    seen: list[tuple[int, int]] = []
    again = _finished(ready, tmp_path / "b", lambda at, loss: seen.append((at.epoch, at.step)))
    assert seen[0] == (1, 3)
    assert _equal(again, _finished(ready, tmp_path / "a"))


def test_checkpoint_of_something_else_is_refused(tmp_path: Path, prepare: Callable[..., Prepared]) -> None:
    ready = prepare(epochs=1)
    _finished(ready, tmp_path)
    with pytest.raises(BundleError, match="another recipe or over other clips"):
        experiment.training(prepare(epochs=1, lr=0.01)).restore(tmp_path)
    fewer = Training(experiment.training(ready).objective.pipe, ready.feed, ready.division.train[1:], ready.division.dev)
    with pytest.raises(BundleError, match="another recipe or over other clips"):
        fewer.restore(tmp_path)
    moved = tuple(replace(c, path=Path("/elsewhere") / c.path.name) for c in ready.division.train)
    Training(experiment.training(ready).objective.pipe, ready.feed, moved, ready.division.dev).restore(tmp_path)
