"""Folders of finished runs: real figures over real sound where it is at hand, and over synthesised sound everywhere else."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle.metrics._calibration import calibrated, calibration, temperature
from auricle.metrics._scores import scores
from auricle.types import Task

HOSTILE = "<script>alert(1)</script>"
CHINESE = "狗叫 & 猫叫"
LABELS = ("rain", CHINESE, HOSTILE, "a|b")


def sounds(folder: Path, *, clips: int, classes: int) -> list[Path]:
    """One file a clip: chirps, clicks and noise of several rates, lengths, channels and formats, some with awkward names."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for n in range(clips):
        rate, seconds = (8000, 16000, 44100)[n % 3], (0.15, 0.8, 1.5)[n % 3 - 1]
        t = np.arange(round(rate * seconds)) / rate
        tone = 0.4 * np.sin(2 * np.pi * (200 + 250 * (n % classes)) * t * (1 + t)) + 0.01 * rng.normal(size=len(t))
        stem = f"录音 {n} <b>" if n % 5 == 0 else f"clip-{n:03d}"
        path = folder / f"{stem}.{('wav', 'flac', 'ogg')[n % 3]}"
        soundfile.write(path, np.stack([tone, 0.5 * tone], axis=1) if n % 2 else tone, rate)
        paths.append(path)
    return paths


def write_run(
    folder: Path, paths: Sequence[Path], truth: Sequence[int], *, labels: Sequence[str] = LABELS, kind: str = "single", skill: float = 2.0
) -> Path:
    """A run's folder as training leaves it, around the answers of an imagined model."""
    rng = np.random.default_rng(1)
    task, clips = Task(tuple(labels), kind), len(paths)
    logits = rng.normal(size=(clips, len(labels)))
    logits[np.arange(clips), truth] += skill
    logits *= 1.8
    groups = [f"speaker {n // 3}" for n in range(clips)]
    target = np.asarray(truth)
    if kind == "multi":
        target = np.eye(len(labels))[truth]
        target[::4, 0] = 1
    divided = kind == "distribution"
    if divided:  # three of four annotators say the truth; of every fifth clip two, and there is a tie
        target = 0.75 * np.eye(len(labels))[truth] + 0.25 * np.eye(len(labels))[(np.asarray(truth) + 1) % len(labels)]
        target[::5] = target[::5] > 0
        target /= target.sum(axis=1, keepdims=True)
    fitted = temperature(logits, target, shares=divided)
    p = calibrated(logits, kind != "multi", temperature=fitted)
    found = scores(task, p, target, groups, seed=0, resamples=200)
    metrics = {
        "protocol": {
            "dataset": "weather & 动物 <i>",
            "license": "CC BY 4.0",
            "citation": "A. Author, *A set of sounds*, 2020",
            "rule": "Official folds: fold 5 judges",
            "digest": "0123abcd4567",
            "selection": "Last epoch",
            "unit": "clip",
            "seed": 0,
            "train_clips": 320,
            "test_clips": clips,
            "test_groups": found.groups,
            **({"decided_clips": found.decided} if divided else {}),
            "date": "2026-11-21",
        },
        "task": {"labels": list(labels), "kind": kind},
        **found.tree(),
        "calibration": calibration(logits, target, temperature=fitted, shares=divided).tree(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(metrics, ensure_ascii=False), encoding="utf-8")
    _predictions(folder / "predictions.csv", paths, groups, target, p, labels, divided=divided)
    _log(folder / "log.csv")
    _csv(folder / "skipped.csv", ["path", "reason"], [[f"bad/{HOSTILE}.wav", "the file is empty; wanted sound"]])
    recipe = {
        "seed": 0,
        "sample_rate": 16000,
        "frontend": {"name": "log_mel", "bins": 64},
        "model": {"name": "cnn"},
        "head": {"name": "mean_pool"},
    }
    recipe |= {
        "augment": [{"name": "mixup", "share": 0.5}],
        "train": {"epochs": 40, "lr": 0.003, "device": "cpu"},
        "note": 'a "quoted" note',
    }
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")
    environment = {"python": "3.11.2", "cores": 2, "packages": {"numpy": "2.4.6", "torch": "2.13.0"}}
    (folder / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    return folder


def _predictions(file, paths, groups, target, p, labels, *, divided) -> None:
    rows = []
    for n, path in enumerate(paths):
        held = [labels[target[n]]] if target.ndim == 1 else [labels[k] for k in np.flatnonzero(target[n] >= target[n].max())]
        named = [labels[p[n].argmax()]] if target.ndim == 1 or divided else [labels[k] for k in np.flatnonzero(p[n] >= 0.5)]
        shares = [*p[n], *(target[n] if divided else ())]
        rows.append([path, 0.0, "", groups[n], "|".join(held), "|".join(named), f"{p[n].max():.6f}", *(f"{q:.6f}" for q in shares)])
    columns = [f"{column}:{label}" for column in ("p", "annotators")[: 1 + divided] for label in labels]
    _csv(file, ["path", "start", "stop", "group", "truth", "prediction", "score", *columns], rows)


def _log(file) -> None:
    rng = np.random.default_rng(2)
    rows = []
    for epoch in range(1, 41):
        fall = np.exp(-epoch / 9)
        dev = "" if epoch % 2 else f"{0.5 + 1.7 * fall + 0.03 * rng.normal():.4f}"
        rows.append([epoch, 0.003, f"{0.3 + 2 * fall:.4f}", dev, "" if epoch % 2 else f"{0.93 - 0.8 * fall:.4f}", 3.1, 0.1])
    _csv(file, ["epoch", "lr", "train_loss", "dev_loss", "dev_accuracy", "seconds", "data_seconds"], rows)


def _csv(path: Path, head, rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Path:
    """A single-label run over sound with awkward names and labels."""
    folder = tmp_path_factory.mktemp("runs")
    return write_run(folder / "run", sounds(folder / "sounds", clips=60, classes=4), [n % 4 for n in range(60)], skill=1.2)


@pytest.fixture(scope="session")
def multi(tmp_path_factory) -> Path:
    """A run where any number of labels may hold."""
    folder = tmp_path_factory.mktemp("runs")
    labels = ("rain", CHINESE, HOSTILE)
    return write_run(
        folder / "multi", sounds(folder / "sounds", clips=24, classes=3), [n % 3 for n in range(24)], labels=labels, kind="multi"
    )


@pytest.fixture(scope="session")
def divided(tmp_path_factory) -> Path:
    """A run where annotators divide over the labels."""
    folder = tmp_path_factory.mktemp("runs")
    return write_run(folder / "divided", sounds(folder / "sounds", clips=40, classes=4), [n % 4 for n in range(40)], kind="distribution")
