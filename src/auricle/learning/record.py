"""A run's folder: what is written there, each file whole or not at all, so that a run can be read by anything."""

from __future__ import annotations

import csv
import json
import os
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np
import torch

from auricle.bundle import Bundle
from auricle.learning.devices import precision
from auricle.learning.experiment import Judged, Prepared
from auricle.learning.progress import Progress
from auricle.learning.restoring import Restored
from auricle.metrics._bootstrap import mean, units
from auricle.metrics._calibration import Calibration, reliability
from auricle.metrics._scores import scores
from auricle.metrics.calibration_error import CalibrationError
from auricle.recipe import Recipe
from auricle.types import Item, Skipped

_LOG = ("epoch", "lr", "train_loss", "dev_loss", "dev_accuracy", "seconds", "data_seconds")


def begin(folder: Path, recipe: Recipe, *, data: str, budget: str) -> None:
    """What is known before the first step: the recipe and the environment. Figures of an earlier run there are taken away.

    Args:
        folder: of the run; made.
        recipe: resolved.
        data: what was asked to be trained on.
        budget: of time, or "".
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").unlink(missing_ok=True)
    _json(folder / "recipe.json", recipe.tree())
    environment = {
        "data": _named(data),
        "time": budget,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "identity": recipe.identity,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "precision": precision(recipe),
        "packages": {d.name: d.version for d in sorted(distributions(), key=lambda d: d.name.lower())},
    }
    _json(folder / "environment.json", environment)


def withdraw(folder: Path) -> None:
    """Take back what `begin` and `skipped` wrote, so that a run that was refused does not hold the folder.

    Args:
        folder: of the run; it goes too where nothing else is in it.
    """
    for name in ("recipe.json", "environment.json", "skipped.csv"):
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def belongs(folder: Path, recipe: Recipe, *, data: str) -> bool:
    """Whether a folder was begun with a recipe on some data.

    Args:
        folder: of a run, or not.
        recipe: resolved.
        data: what is to be trained on.

    Returns:
        False too where nothing is there.
    """
    path = folder / "environment.json"
    if not path.is_file():
        return False
    environment = recorded(path)
    return (environment["identity"], environment["data"]) == (recipe.identity, _named(data))


def log(folder: Path, progress: Progress) -> None:
    """The epochs so far, as log.csv.

    Args:
        folder: of the run.
        progress: of the loop.
    """
    gains = any("dev_gain_db" in row for row in progress.rows)
    columns = [("dev_gain_db" if gains and k == "dev_accuracy" else k) for k in _LOG]
    _csv(folder / "log.csv", columns, ([row.get(k, "") for k in columns] for row in progress.rows))


def skipped(folder: Path, files: Sequence[Skipped]) -> None:
    """The files that were left out, as skipped.csv.

    Args:
        folder: of the run.
        files: with reasons.
    """
    _csv(folder / "skipped.csv", ("path", "reason"), ([str(s.path), s.reason] for s in files))


def predictions(folder: Path, prepared: Prepared, judged: Judged) -> None:
    """One row a clip, as predictions.csv; where annotators divide, the truth is what most of them say, and their shares come last.

    Args:
        folder: of the run.
        prepared: the corpus.
        judged: answers and truths.
    """
    labels, kind = prepared.corpus.task.labels, prepared.corpus.task.kind
    shares = judged.truth if kind == "distribution" else np.empty((len(judged.items), 0))
    head = ("path", "start", "stop", "group", "truth", "prediction", "score", *(f"p:{label}" for label in labels))
    if kind == "distribution":
        head += tuple(f"annotators:{label}" for label in labels)
    rows = []
    for item, p, least, share in zip(judged.items, judged.probabilities, judged.threshold, shares, strict=True):
        best = int(p.argmax())
        stop = "" if item.stop is None else item.stop
        rows.append(
            [
                str(item.path),
                item.start,
                stop,
                item.group,
                "|".join(
                    item.target if kind != "distribution" else (k for k, q in zip(labels, share, strict=True) if q > share.max() - 1e-6)
                ),
                labels[best] if kind != "multi" else "|".join(label for label, q, t in zip(labels, p, least, strict=True) if q >= t),
                f"{p[best]:.6f}",
                *(f"{q:.6f}" for q in (*p, *share)),
            ]
        )
    _csv(folder / "predictions.csv", head, rows)


def metrics(folder: Path, prepared: Prepared, bundle: Bundle, judged: Judged, *, unit: str = "clip") -> dict[str, Any]:
    """The figures with their protocol, as metrics.json.

    Args:
        folder: of the run.
        prepared: the corpus and how it was divided.
        bundle: that was judged, or the last of those that were pooled.
        judged: answers and truths.
        unit: what one answer is about.

    Returns:
        What was written.
    """
    task, recipe = prepared.corpus.task, prepared.recipe
    groups = _groups(judged.items)
    found = scores(task, judged.probabilities, judged.truth, groups, seed=recipe.seed, threshold=judged.threshold)
    written = {
        "protocol": {
            **_protocol(prepared, bundle),
            "unit": unit,
            "test_clips": len(judged.items),
            "test_groups": found.groups,
            **({"decided_clips": found.decided} if task.kind == "distribution" else {}),
        },
        "task": {"labels": list(task.labels), "kind": task.kind},
        **found.tree(),
        "calibration": _calibration(bundle, judged),
    }
    _json(folder / "metrics.json", written)
    return written


def restored(folder: Path, prepared: Prepared, bundle: Bundle, judged: Restored) -> dict[str, Any]:
    """How noisy the test's clips were and are, as metrics.json, and clip by clip as clips.csv.

    Args:
        folder: of the run.
        prepared: the corpus and how it was divided.
        bundle: the denoiser.
        judged: the test's clips, in their order.

    Returns:
        What metrics.json holds.
    """
    items = prepared.division.test
    heard = [row for row, value in enumerate(judged.gain) if np.isfinite(value)]
    known = _groups(items)
    groups = [known[row] for row in heard]
    sampled = units(groups, len(heard))
    named = {"si_snr_gain_db": judged.gain, "si_snr_db": judged.restored, "si_snr_noisy_db": judged.noisy}
    written = {
        "protocol": {
            **_protocol(prepared, bundle),
            "unit": "clip",
            "test_clips": len(heard),
            "test_groups": len({group for group in groups if group}),
        },
        "task": {"labels": [], "kind": "wave"},
        "scores": {name: mean(values[heard], sampled, seed=prepared.recipe.seed) for name, values in named.items()},
        "interval": {"unit": sampled.name, "note": sampled.note},
    }
    rows = zip(items, judged.noisy, judged.restored, strict=True)
    _csv(
        folder / "clips.csv",
        ("path", "start", "stop", "group", "si_snr_noisy_db", "si_snr_db"),
        ([str(c.path), c.start, "" if c.stop is None else c.stop, c.group, f"{a:.2f}", f"{b:.2f}"] for c, a, b in rows),
    )
    _json(folder / "metrics.json", written)
    return written


def _protocol(prepared: Prepared, bundle: Bundle) -> dict[str, Any]:
    return {
        "dataset": prepared.corpus.name,
        "license": prepared.corpus.license,
        "citation": prepared.corpus.citation,
        **({"transfer": bundle.card["transfer"]} if "transfer" in bundle.card else {}),
        **{key: bundle.card[key] for key in ("rule", "digest", "selection")},
        "seed": prepared.recipe.seed,
        "recipe": prepared.recipe.identity,
        "train_clips": bundle.card["train_clips"],
        "date": datetime.now(UTC).date().isoformat(),
    }


def recorded(path: Path) -> dict[str, Any]:
    """A JSON file of a run.

    Args:
        path: of the file.

    Returns:
        Its values.
    """
    values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return values


def _named(data: str) -> str:
    """A folder or file by its whole path; a corpus by its name."""
    return str(Path(data).resolve()) if Path(data).exists() else data


def _groups(items: Sequence[Item]) -> list[str]:
    """What each clip's fate hangs together with: its group, or its file where that holds several clips; "" where neither is known."""
    clips = Counter(item.path for item in items)
    return [item.group or (str(item.path) if clips[item.path] > 1 else "") for item in items]


def _calibration(bundle: Bundle, judged: Judged) -> dict[str, Any]:
    shares = bundle.task.kind == "distribution"
    error = CalibrationError(shares=shares)
    before, after = (error(p, judged.truth) for p in (judged.uncalibrated, judged.probabilities))
    bins = reliability(judged.probabilities, judged.truth, shares=shares)
    return {**Calibration(bundle.temperature, before, after, bins).tree(), "thresholds": list(bundle.thresholds)}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _json(path: Path, values: dict[str, Any]) -> None:
    _whole(path, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def _csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    part.replace(path)


def _whole(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
