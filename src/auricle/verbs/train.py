"""Train a model on labelled sound, measure it on held-out clips, and write it out ready to use."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from auricle import recipe as recipes
from auricle.errors import AuricleError, BundleError, RequestError
from auricle.processes import leads
from auricle.types import Skipped

if TYPE_CHECKING:
    from auricle.bundle import Bundle
    from auricle.learning.experiment import Prepared
    from auricle.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run.

    Args:
        run: its folder.
        metrics: what metrics.json holds.
        skipped: files that were left out.
    """

    run: Path
    metrics: dict[str, Any]
    skipped: tuple[Skipped, ...]

    def text(self) -> str:
        """The figures, where everything is, and what to do next."""
        protocol = self.metrics["protocol"]
        lines = [headline(protocol), *(figure(name, value) for name, value in self.metrics["scores"].items())]
        if self.metrics["task"]["kind"] == "wave":
            return "\n".join(
                [
                    *lines,
                    f"clips    {self.run / 'clips.csv'}",
                    f"next     auricle denoise noisy.wav --with {self.run} --out cleaned",
                    f"         auricle train DATA --set transfer.denoiser={self.run}",
                ]
            )
        lines += [
            f"report   {self.run / 'report.html'}",
            f"model    {self.run / 'model.onnx'}",
            "next     " + f"auricle predict {self.run} clip.wav",
            "         " + f"auricle listen {self.run}",
            "         " + f"auricle evaluate {self.run} --folds",
        ]
        return "\n".join(lines)

    def tree(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"run": str(self.run), **self.metrics}


def train(
    data: str = "",
    *,
    recipe: str = "",
    set_: tuple[str, ...] = (),
    out: Path | None = None,
    time: str = "",
    teacher: str = "",
    target_domain: Path | None = None,
    also: tuple[str, ...] = (),
    resume: Path | None = None,
) -> Trained:
    """Train a model on labelled sound and write a run folder: the bundle, model.onnx, report.html, the figures and the log.

    Args:
        data: a folder with a folder per class, a table (CSV, TSV, JSONL), or a corpus by name (`auricle show datasets`).
        recipe: a recipe by name (`auricle show recipes`) or a .toml; left out, the corpus's own, else "transfer", which tunes a small
            network that AudioSet taught, where its weights are in the cache or can be fetched, else "default", which begins from scratch.
        set_: a setting to override, such as train.epochs=20; may be repeated.
        out: folder of the run; left out, runs/<corpus>/<model>-<identity>.
        time: budget such as 10m; the schedule is fitted into it.
        teacher: models, with commas between, whose answers are learnt from beside the labels: folders of bundles, runs or transformers,
            .onnx files, names.
        target_domain: a folder of clips without labels from where the model will be used.
        also: more clips of the same labels, such as `auricle synthesise` makes, which train and never judge; may be repeated.
        resume: folder of an interrupted run, to go on exactly where its last checkpoint stood.

    Returns:
        The figures and where everything is.

    Raises:
        RequestError: neither data nor a run to resume, or both; the folder already holds a run.
        KeyboardInterrupt: after a checkpoint; its text says how to go on.
    """
    if bool(data) == bool(resume):
        raise RequestError("train needs either data to train on or --resume with a run's folder")
    if resume:
        chosen, data, time = _interrupted(resume)
        return run(data, chosen, folder=resume, time=time, resume=True)
    if out and (out / "recipe.json").is_file():
        raise RequestError(f"{out} already holds a run", hint=f"auricle train --resume {out} goes on with it; another --out begins anew")
    if teacher:
        set_ = (*set_, f"transfer.teachers={json.dumps([each.strip() for each in teacher.split(',') if each.strip()])}")
    if target_domain:
        set_ = (*set_, f"transfer.target_domain={json.dumps(str(target_domain))}")
    if also:
        set_ = (*set_, f"split.also={json.dumps(list(also))}")
    return run(data, recipe_for(data, recipe, set_), folder=out, time=time, resume=False)


def run(data: str, recipe: Recipe, *, folder: Path | None, time: str, resume: bool) -> Trained:
    """Train, measure and write one run.

    Args:
        data: what to train on.
        recipe: how.
        folder: of the run, or None for one named after the run's identity.
        time: budget, or "".
        resume: whether the folder's checkpoint is gone on from.

    Returns:
        The finished run.

    Raises:
        AuricleError: the disk is full; its hint says how to go on.
        KeyboardInterrupt: after a checkpoint; its text says how to go on.
    """
    from auricle.learning import experiment
    from auricle.verbs._bars import bar_of, bars

    recipe = experiment.resolved(recipe)
    with bars(shown=recipe.train.progress and leads()) as display:
        prepared = experiment.prepare(data, recipe, bar=bar_of(display))
        tell(prepared.begun)
        folder = folder or _free(Path("runs") / prepared.corpus.name / f"{recipe.called}-{prepared.recipe.identity[:8]}")
        try:
            bundle = train_one(prepared, folder, data=data, time=time, resume=resume, display=display)
            written = _written(prepared, bundle, folder, display)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"auricle train --resume {folder}") from None
        except OSError as failed:
            what = f"{failed.filename or folder}: {failed.strerror or failed}"
            raise AuricleError(what, hint=f"auricle train --resume {folder} goes on from its last checkpoint") from failed
    return Trained(folder, written, prepared.skipped)


def _written(prepared: Prepared, bundle: Bundle, folder: Path, display: Any) -> dict[str, Any]:
    """All that a finished run leaves behind; metrics.json's values."""
    from auricle import bundle as bundles
    from auricle.exporters.onnx import Onnx
    from auricle.learning import experiment, record, restoring
    from auricle.reports.card import write_card
    from auricle.reports.html import write_report
    from auricle.verbs._bars import bar_of

    test = prepared.division.test
    if prepared.recipe.restores:
        restored = restoring.judge(bundle.pipe, prepared.feed, test, bar_of(display)("judging", len(test)))
        written = record.restored(folder, prepared, bundle, restored)
        bundle.card.update(protocol=written["protocol"], scores=written["scores"])
        bundles.save(bundle, folder / "bundle")
        return written
    judged = experiment.judge(bundle, prepared.feed, test, bar_of(display)("judging", len(test)))
    written = record.metrics(folder, prepared, bundle, judged)
    record.predictions(folder, prepared, judged)
    bundle.card.update(protocol=written["protocol"], scores=written["scores"])
    bundles.save(bundle, folder / "bundle")
    tick = bar_of(display)("exporting and checking", 1)
    Onnx().write(bundle, folder / "model.onnx")
    write_report(folder)
    write_card(folder)
    tick()
    return written


def train_one(prepared: Prepared, folder: Path, *, data: str, time: str, resume: bool, display: Any) -> Bundle:
    """Train and calibrate, writing the run's folder as it goes.

    Args:
        prepared: the corpus.
        folder: of the run.
        data: what was asked to be trained on.
        time: budget, or "".
        resume: whether the folder's checkpoint is gone on from.
        display: progress bars.

    Returns:
        The bundle, not yet judged.

    Raises:
        KeyboardInterrupt: after a checkpoint.
    """
    from auricle.learning import checkpoint, devices, experiment, record
    from auricle.learning.progress import Progress
    from auricle.verbs._bars import bar_of, warn_once
    from auricle.verbs._teachers import panel

    time = time or prepared.recipe.train.time
    if prepared.recipe.transfer.probe:
        devices.alone(prepared.recipe.train, "a probe")
        record.begin(folder, prepared.recipe, data=data, budget=time)
        record.skipped(folder, prepared.skipped)
        began = monotonic()
        try:
            bundle = experiment.probed(prepared, bar=bar_of(display))
        except RequestError:
            if not resume:
                record.withdraw(folder)
            raise
        record.log(folder, Progress(rows=[{"seconds": monotonic() - began}]))
        return bundle
    warn = warn_once(display)
    teachers = panel(prepared.recipe, prepared.corpus.task)
    training = experiment.training(prepared, budget=experiment.seconds_of(time), panel=teachers, bar=bar_of(display))
    if training.leads:
        record.begin(folder, prepared.recipe, data=data, budget=time)
        record.skipped(folder, prepared.skipped)
    if not resume:
        if training.leads:
            checkpoint.clear(folder / "checkpoints")
    elif checkpoint.found(folder / "checkpoints"):  # a run killed before its first step begins again
        training.restore(folder / "checkpoints")
    bar = display.add_task("training", total=training.at.total or prepared.recipe.train.epochs * training.steps, say="")
    epochs = len(training.at.rows)

    def report(at: Any, loss: float) -> None:
        nonlocal epochs
        told = f"loss {loss:.3f}"
        if at.rows and "dev_loss" in at.rows[-1]:
            told += f" dev {at.rows[-1]['dev_loss']:.3f}"
        display.update(bar, completed=at.epoch * training.steps + at.step, total=at.total or None, say=told)
        if training.unsaved:
            warn(f"{training.unsaved}; training goes on")
        if len(at.rows) > epochs:
            epochs = len(at.rows)
            try:
                record.log(folder, at)
            except OSError as wrong:  # a later epoch writes all rows again
                warn(f"log.csv could not be written: {wrong.strerror}; training goes on")

    if not training.leads:  # of several processes one alone writes, judges and reports
        with suppress(KeyboardInterrupt):  # the one that leads tells of it; another code than 0 would have it killed
            training.run(folder / "checkpoints", lambda _at, _loss: None)
        devices.leave()
    bundle = experiment.finish(training, prepared, folder / "checkpoints", report)
    record.log(folder, training.at)
    return bundle


def recipe_for(data: str, recipe: str, set_: tuple[str, ...]) -> Recipe:
    """The recipe that was named, or the corpus's own, or the one that gets most out of what this machine has; that choice is told.

    Args:
        data: what is trained on.
        recipe: name, path or "".
        set_: overrides.

    Returns:
        The recipe.
    """
    from auricle.datasets._corpus import with_reader
    from auricle.verbs._begin import best_start, trained

    set_ = (*trained(set_), *set_)
    if recipe or data in recipes.shipped():
        own = recipes.read(recipe or data).data != recipes.parse({}).data
        return recipes.read(recipe or data, set_ if own else with_reader(data, set_))
    name, why = best_start(set_)
    tell(f"recipe: {name}; {why}")
    return recipes.read(name, with_reader(data, set_))


def tell(sentence: str) -> None:
    """What was chosen, on stderr, once however many processes there are.

    Args:
        sentence: or "", which is nothing to tell.
    """
    if sentence and leads():
        sys.stderr.write(f"{sentence}\n")


def headline(protocol: dict[str, Any]) -> str:
    """One line: what was judged, and by which rule.

    Args:
        protocol: of metrics.json.

    Returns:
        Such as "fsdd: 300 clips of 6 groups judged. …".
    """
    of = f" of {protocol['test_groups']} groups" if protocol["test_groups"] else ""
    decided = f", labels by the {protocol['decided_clips']} with one most voted label" if "decided_clips" in protocol else ""
    return f"{protocol['dataset']}: {protocol['test_clips']} clips{of} judged{decided}. {protocol['rule']}"


def figure(name: str, value: dict[str, float | None]) -> str:
    """One line: a figure with its interval.

    Args:
        name: of the metric.
        value: `value`, `low`, `high`.

    Returns:
        Such as "accuracy  0.912  (0.880 to 0.940)".
    """
    title = f"{name.replace('_', ' '):<24}"
    if value["value"] is None:
        return f"{title}undefined on these clips"
    interval = "" if value["low"] is None else f"  ({value['low']:.3f} to {value['high']:.3f})"
    return f"{title}{value['value']:.3f}{interval}"


def _interrupted(folder: Path) -> tuple[Recipe, str, str]:
    from auricle.learning.record import recorded

    if not (folder / "recipe.json").is_file() or not (folder / "environment.json").is_file():
        raise BundleError(f"{folder} is not a run: it holds no recipe.json")
    environment = recorded(folder / "environment.json")
    return recipes.read(folder / "recipe.json"), environment["data"], environment["time"]


def _free(folder: Path) -> Path:
    """The folder, or the first of folder-2, folder-3, … that is not there yet."""
    number = 1
    while (candidate := folder if number == 1 else folder.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    return candidate
