"""A run's folder as a value: what was measured, every answer, the epochs, the skipped files, the recipe and the machine."""

from __future__ import annotations

import csv
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.errors import DataError
from auricle.types import Seconds, Task

_ALIKE = 2e-6  # shares are written to six decimals


@dataclass(frozen=True, slots=True)
class Answer:
    """One clip of the test.

    Args:
        path: the file, as the run wrote it.
        name: the path without what all paths begin with.
        start: seconds.
        stop: seconds, or None for the file's end.
        group: "" where unknown.
        truth: labels that hold; where annotators divide, the most voted one, or all of them in a tie.
        prediction: labels that were named.
        probabilities: [K] in the order of the task's labels.
        shares: [K] of the annotators' votes, where they divide.
    """

    path: str
    name: str
    start: Seconds
    stop: Seconds | None
    group: str
    truth: tuple[str, ...]
    prediction: tuple[str, ...]
    probabilities: tuple[float, ...]
    shares: tuple[float, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether another label was named than the truth; of annotators in a tie nobody knows."""
        return set(self.truth) != set(self.prediction) and (not self.shares or len(self.truth) == 1)


@dataclass(frozen=True, slots=True)
class Run:
    """All files of a run's folder that a person reads about.

    Args:
        folder: of the run.
        task: what was told apart.
        metrics: metrics.json.
        answers: predictions.csv.
        log: log.csv by column, NaN where a cell is empty; empty where nothing was trained.
        skipped: path and reason of each file that was left out.
        recipe: recipe.json, or empty.
        environment: environment.json, or empty.
    """

    folder: Path
    task: Task
    metrics: dict[str, Any]
    answers: tuple[Answer, ...]
    log: dict[str, tuple[float, ...]]
    skipped: tuple[tuple[str, str], ...]
    recipe: dict[str, Any]
    environment: dict[str, Any]

    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.generic]]:
        """The answers as the figures want them.

        Returns:
            Probabilities [R, K], and the truth: [R] indices where the task is single, [R, K] shares where it is a distribution, [R, K]
            multi-hot otherwise.
        """
        place = {label: k for k, label in enumerate(self.task.labels)}
        probabilities = np.array([a.probabilities for a in self.answers]).reshape(len(self.answers), len(place))
        if self.task.kind == "single":
            return probabilities, np.array([place[a.truth[0]] for a in self.answers], np.int64)
        if self.task.kind == "distribution":
            return probabilities, np.array([a.shares for a in self.answers])
        rows = np.zeros_like(probabilities)
        for row, answer in enumerate(self.answers):
            rows[row, [place[label] for label in answer.truth]] = 1
        return probabilities, rows


def read_run(folder: Path) -> Run:
    """What lies in a run's folder.

    Args:
        folder: with metrics.json and predictions.csv at least.

    Returns:
        The run; what other files would say is empty where they are absent.

    Raises:
        DataError: metrics.json or predictions.csv is not there or not what it should be.
    """
    metrics = _json(folder / "metrics.json", needed=True)
    try:
        task = Task(tuple(str(label) for label in metrics["task"]["labels"]), metrics["task"]["kind"])
    except (KeyError, TypeError) as wrong:
        raise DataError(f"{folder / 'metrics.json'} names no task; wanted task.labels and task.kind") from wrong
    return Run(
        folder=folder,
        task=task,
        metrics=metrics,
        answers=_answers(folder / "predictions.csv", task),
        log=_columns(folder / "log.csv"),
        skipped=tuple((row["path"], row["reason"]) for row in _table(folder / "skipped.csv")),
        recipe=_json(folder / "recipe.json"),
        environment=_json(folder / "environment.json"),
    )


def _json(path: Path, *, needed: bool = False) -> dict[str, Any]:
    if not path.is_file():
        if needed:
            raise DataError(f"{path} is not there; wanted the folder of a run that was evaluated")
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as wrong:
        raise DataError(f"{path} is not JSON that can be read: {wrong}") from wrong
    if not isinstance(values, dict):
        raise DataError(f"{path} holds {type(values).__name__}; wanted an object with keys")
    return values


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _columns(path: Path) -> dict[str, tuple[float, ...]]:
    rows = _table(path)
    return {name: tuple(_number(row[name]) for row in rows) for name in (rows[0] if rows else {})}


def _number(cell: str | None) -> float:
    try:
        return float(cell or "nan")
    except ValueError:
        return math.nan


def _answers(path: Path, task: Task) -> tuple[Answer, ...]:
    rows = _table(path)
    if not rows:
        raise DataError(f"{path} holds no answers; wanted one row a clip of the test")
    columns = ("p", "annotators") if task.kind == "distribution" else ("p",)
    wanted = {"path", "truth", "prediction", *(f"{column}:{label}" for column in columns for label in task.labels)}
    missing = sorted(wanted - set(rows[0]))
    if missing:
        raise DataError(f"{path} has no column {missing[0]!r}; wanted {', '.join(sorted(wanted))}")
    common = _common([row["path"] for row in rows])
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            found.append(_answer(row, task, common))
        except (ValueError, TypeError) as wrong:
            raise DataError(f"{path}, line {number}: {wrong}") from wrong
    return tuple(found)


def _answer(row: dict[str, str], task: Task, common: str) -> Answer:
    truth = tuple(label for label in row["truth"].split("|") if label)
    shares: tuple[float, ...] = ()
    # A label may itself hold the bar that joins several; where exactly one holds, nothing is joined.
    if task.kind == "single":
        truth = (row["truth"],)
    if task.kind == "distribution":
        shares = tuple(float(row[f"annotators:{label}"]) for label in task.labels)
        truth = tuple(label for label, share in zip(task.labels, shares, strict=True) if share > max(shares) - _ALIKE)
    unknown = [label for label in truth if label not in task.labels]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not one of the task's labels")
    return Answer(
        path=row["path"],
        name=row["path"][len(common) :],
        start=float(row.get("start") or 0.0),
        stop=float(row["stop"]) if row.get("stop") else None,
        group=row.get("group") or "",
        truth=truth,
        prediction=(row["prediction"],) if task.kind != "multi" else tuple(label for label in row["prediction"].split("|") if label),
        probabilities=tuple(float(row[f"p:{label}"]) for label in task.labels),
        shares=shares,
    )


def _common(paths: list[str]) -> str:
    """What all paths begin with, up to a folder's end, so that a report shows what tells them apart and no one's home."""
    begin = os.path.commonprefix(paths)  # noqa: RUF071 - paths of any system; cut at a folder below
    return begin[: max(begin.rfind("/"), begin.rfind("\\")) + 1]
