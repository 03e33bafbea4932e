"""The runs of a study: each row under each seed through all folds, as `evaluate --folds` does it, and what they left."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle import recipe as recipes
from auricle.errors import AuricleError, DataError

if TYPE_CHECKING:
    from auricle.recipe import Recipe
    from auricle.studies import Row, Study

_WRITTEN = "model.onnx"
_COSTS = "costs.json"
Clip = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Costs:
    """What a row's network costs, whatever the seed.

    Args:
        trainable: parameters that learn at some time.
        parameters: all of them.
        exported: the exported file; not there where `note` says why.
        note: why it could not be exported, or "".
    """

    trainable: int
    parameters: int
    exported: Path
    note: str


@dataclass(frozen=True, slots=True)
class Run:
    """One row under one seed, all folds pooled.

    Args:
        folder: of `evaluate --folds`.
        clips: path, start, stop, true label and group of each, sorted.
        named: label of each.
        protocol: of metrics.json.
        labels: of the task.
        digests: of each fold's division.
        seconds: of training, of each fold.
    """

    folder: Path
    clips: tuple[Clip, ...]
    named: tuple[str, ...]
    protocol: dict[str, Any]
    labels: tuple[str, ...]
    digests: dict[str, str]
    seconds: tuple[float, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        """What each clip's fate hangs together with, as in the run's own figures."""
        files = Counter(path for path, *_ in self.clips)
        return tuple(group or (path if files[path] > 1 else "") for path, _, _, _, group in self.clips)

    def refuse_other_protocol(self, first: Run, *, same_seed: bool) -> None:
        """Two rows are compared under one protocol, or not at all.

        Args:
            first: of the rows, of any seed.
            same_seed: whether it has this one's seed, so that development parts are the same too.

        Raises:
            DataError: other clips judge or train, or the weights were chosen by another rule.
        """
        if self.clips != first.clips or (same_seed and self.digests != first.digests):
            raise DataError(
                f"{self.folder} was trained or judged on other clips than {first.folder}; rows of a study share them",
                hint="see skipped.csv in both",
            )
        if self.protocol["selection"] != first.protocol["selection"]:
            here, there = self.protocol["selection"], first.protocol["selection"]
            raise DataError(f"{self.folder} was selected by {here!r}; the study's first row by {there!r}")


def recipe_of(study: Study, row: Row, settings: tuple[str, ...]) -> Recipe:
    """The recipe of a run, checked.

    Args:
        study: with the row.
        row: one of its.
        settings: all overrides.

    Returns:
        The recipe, as a person wrote it.

    Raises:
        RequestError: a recipe or a setting that isn't one; the sentence names the row.
    """
    try:
        return recipes.read(row.recipe or study.recipe, settings)
    except AuricleError as wrong:
        raise type(wrong)(f"study {study.name}, row {row.name!r}: {wrong}", hint=wrong.hint) from wrong


def place_of(recipe: Recipe, above: Path, seed: int) -> Path:
    """Folder of a run; another recipe has another.

    Args:
        recipe: resolved.
        above: folder of the row.
        seed: of the run.

    Returns:
        Its path.
    """
    return above / f"seed-{seed}-{recipe.identity[:8]}"


def train(study: Study, row: Row, settings: tuple[str, ...], *, data: str, above: Path, seed: int) -> Path:
    """One row under one seed, unless it was done before.

    Args:
        study: with the row.
        row: one of its.
        settings: all overrides.
        data: corpus name, folder or table.
        above: folder of the row.
        seed: of the run.

    Returns:
        The run's folder.

    Raises:
        AuricleError: whatever keeps it from being trained.
    """
    from auricle.learning import experiment, record
    from auricle.verbs.evaluate import evaluate

    recipe = experiment.resolved(recipe_of(study, row, settings))
    folder = place_of(recipe, above, seed)
    if not (record.belongs(folder, recipe, data=data) and (folder / "metrics.json").is_file()):
        (folder / _COSTS).unlink(missing_ok=True)
        evaluate(data, folds=True, recipe=row.recipe or study.recipe, set_=settings, out=folder)
    return folder


def costs(folder: Path) -> Costs:
    """The parameters of a run's network, counted, and the network exported, unless that was done before.

    Args:
        folder: of the run.

    Returns:
        What it costs.

    Raises:
        AuricleError: what the network began from is gone.
    """
    from auricle.learning.record import recorded

    if not (folder / _COSTS).is_file():
        _weigh(folder)
    found = recorded(folder / _COSTS)
    return Costs(found["trainable"], found["parameters"], folder / _WRITTEN, found["note"])


def _weigh(folder: Path) -> None:
    from auricle import bundle as bundles
    from auricle.exporters.onnx import Onnx
    from auricle.learning import transfer
    from auricle.learning.plan import plan

    bundle = bundles.load(max(_folds(folder), key=lambda fold: fold.stat().st_mtime))
    note = ""
    try:
        Onnx().write(bundle, folder / _WRITTEN)
    except AuricleError as wrong:
        note = f"not exported: {wrong}"
    counted = plan(bundle.pipe, bundle.recipe.transfer, transfer.start(bundle.pipe, bundle.recipe, bundle.task))
    late = {name.removeprefix("pipe.") for name in counted.late}
    learns = [p for name, p in bundle.pipe.named_parameters() if p.requires_grad or name in late]
    found = {
        "trainable": sum(p.numel() for p in learns),
        "parameters": sum(p.numel() for p in bundle.pipe.parameters()),
        "note": note,
    }
    (folder / _COSTS).write_text(json.dumps(found), encoding="utf-8")


def opened(folder: Path) -> Run:
    """What a run left.

    Args:
        folder: of the run.

    Returns:
        Its answers.

    Raises:
        DataError: not a task with one label a clip.
    """
    from auricle.learning.record import recorded

    metrics = recorded(folder / "metrics.json")
    if metrics["task"]["kind"] != "single":
        raise DataError(f"{metrics['protocol']['dataset']} is a {metrics['task']['kind']} task; a study compares by one label a clip")
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = sorted(((r["path"], r["start"], r["stop"], r["truth"], r["group"]), r["prediction"]) for r in csv.DictReader(file))
    folds = _folds(folder)
    return Run(
        folder,
        tuple(clip for clip, _ in rows),
        tuple(named for _, named in rows),
        metrics["protocol"],
        tuple(metrics["task"]["labels"]),
        {fold.name: recorded(fold / "metrics.json")["protocol"]["digest"] for fold in folds},
        tuple(map(_spent, folds)),
    )


def _folds(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if (path / "metrics.json").is_file())


def _spent(fold: Path) -> float:
    if not (fold / "log.csv").is_file():
        return 0.0  # of a probe that an earlier auricle fitted
    with (fold / "log.csv").open(encoding="utf-8", newline="") as file:
        return sum(float(row["seconds"]) for row in csv.DictReader(file))
