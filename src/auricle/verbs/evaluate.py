"""Measure a model honestly: on its held-out clips, on other data, or over all folds of its corpus."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle import recipe as recipes
from auricle.errors import DataError, RequestError
from auricle.types import Skipped, Spec
from auricle.verbs.train import figure, headline, recipe_for

if TYPE_CHECKING:
    from auricle.learning.experiment import Judged, Prepared
    from auricle.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Figures with their protocol.

    Args:
        folder: where metrics.json, predictions.csv and report.html are.
        metrics: what metrics.json holds.
        folds: accuracy of each fold, where folds were driven.
        skipped: files that were left out.
    """

    folder: Path
    metrics: dict[str, Any]
    folds: dict[str, float]
    skipped: tuple[Skipped, ...]

    def text(self) -> str:
        """The figures, fold by fold and pooled."""
        protocol = self.metrics["protocol"]
        lines = [f"fold {name:<19}{value:.3f}" for name, value in self.folds.items()]
        lines += [
            headline(protocol),
            *(figure(name, value) for name, value in self.metrics["scores"].items()),
            f"written to {self.folder}",
        ]
        return "\n".join(lines)

    def tree(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"folder": str(self.folder), "folds": self.folds, **self.metrics}


def evaluate(
    run: str, *, data: str = "", folds: bool = False, recipe: str = "", set_: tuple[str, ...] = (), out: Path | None = None
) -> Evaluated:
    """Measure a model: metrics with intervals, confusion matrix, and the page of confident mistakes to listen to.

    Without options the run's own held-out clips are judged again. `--data` judges by all clips of other labelled sound. `--folds` trains
    once for each official fold (or each group, where the recipe's split rule is "group"), each judged by clips unheard in
    training, and pools the answers; a fold that is already done is not trained again, an interrupted one goes on.

    Args:
        run: folder of a run; with --folds also a corpus name, a folder or a table.
        data: other labelled sound to judge by.
        folds: drive all folds.
        recipe: for --folds of data: a recipe by name or a .toml.
        set_: a setting to override, with --folds; may be repeated.
        out: where to write; left out, beside the run's own files.

    Returns:
        The figures.

    Raises:
        RequestError: not a run, or options that don't go together.
    """
    folder = Path(run)
    is_run = (folder / "recipe.json").is_file()
    if folds:
        return _all_folds(run, folder if is_run else None, recipe, set_, out)
    if not is_run:
        raise RequestError(
            f"{run} is not the folder of a run: it holds no recipe.json", hint="auricle evaluate DATA --folds measures a recipe"
        )
    if recipe or set_:
        raise RequestError("--recipe and --set belong to --folds; a finished run is judged as it is")
    return _one(folder, data, out)


def _one(folder: Path, data: str, out: Path | None) -> Evaluated:
    from auricle import bundle as bundles
    from auricle.learning import experiment, record
    from auricle.reports.html import write_report
    from auricle.verbs._bars import bar_of, bars

    bundle = bundles.load(folder)
    if bundle.task.kind == "wave":
        raise RequestError(f"{folder} trained a denoiser, whose figures are in its metrics.json; only classifiers are judged anew")
    where = data or record.recorded(folder / "environment.json")["data"]
    with bars() as display:
        if data:
            prepared = _foreign(data, bundle, bar_of(display))
            bundle.card["rule"] = f"Every clip of {prepared.corpus.name} judges; none was trained on unless it is in both sets."
            bundle.card["digest"] = prepared.division.digest
        else:
            prepared = experiment.prepare(where, bundle.recipe, bar=bar_of(display))
        test = prepared.division.test
        judged = experiment.judge(bundle, prepared.feed, test, bar_of(display)("judging", len(test)))
    target = out or (folder / f"evaluation-{prepared.corpus.name}" if data else folder)
    target.mkdir(parents=True, exist_ok=True)
    if target != folder:
        record.begin(target, bundle.recipe, data=where, budget="")
    record.predictions(target, prepared, judged)
    record.skipped(target, prepared.skipped)
    written = record.metrics(target, prepared, bundle, judged)
    write_report(target)
    return Evaluated(target, written, {}, prepared.skipped)


def _foreign(data: str, bundle: Any, bar: Any) -> Prepared:
    """Other data, all of it to judge by, in the bundle's labels."""
    from auricle.datasets._corpus import open_corpus
    from auricle.datasets._division import Division, digest
    from auricle.feed import Feed
    from auricle.learning.experiment import Prepared

    corpus = open_corpus(data, _same_reader(data, bundle.recipe.data))
    known = set(bundle.task.labels)
    unknown = sorted({label for item in corpus.items for label in item.target} - known)
    if unknown:
        raise DataError(f"{data} has labels that the model does not know: {', '.join(unknown)}; it knows {', '.join(bundle.task.labels)}")
    unclear = [item for item in corpus.items if not item.target or (len(item.target) > 1 and bundle.task.kind == "single")]
    if unclear and bundle.task.kind != "multi":
        told = f"{data} has no label or several for {len(unclear)} of {len(corpus.items)} clips, such as {unclear[0].path}"
        raise DataError(f"{told}; the model was trained on a {bundle.task.kind} task")
    corpus = dataclasses.replace(corpus, task=bundle.task)
    feed = Feed(bundle.task, bundle.recipe)
    survey = feed.survey(corpus.items, bar("reading", len(corpus.items)))
    if not survey.usable:
        raise DataError(f"none of the {len(corpus.items)} clips of {data} can be read")
    division = Division((), (), survey.usable, "Every clip judges.", digest((), (), survey.usable))
    return Prepared(corpus, division, bundle.recipe, feed, corpus.skipped + survey.skipped, survey.warnings)


def _same_reader(data: str, spec: Spec) -> Spec | None:
    """How the run's own data were read, where that was by annotators and the other data are a table of the same ones."""
    from auricle import catalog
    from auricle.datasets._corpus import locate

    if not spec.args.get("annotators"):
        return None
    try:
        catalog.make("datasets", spec).judgements(locate(data))
    except DataError:
        return None
    return spec


def _all_folds(run: str, folder: Path | None, recipe: str, set_: tuple[str, ...], out: Path | None) -> Evaluated:
    from auricle.datasets._corpus import open_corpus
    from auricle.datasets._division import fold_rule
    from auricle.datasets._division import folds as names_of
    from auricle.learning import devices, experiment, record
    from auricle.reports.html import write_report

    if folder:
        data = record.recorded(folder / "environment.json")["data"]
        chosen = recipes.read(folder / "recipe.json", set_)
    else:
        data = run
        chosen = recipe_for(data, recipe, set_)
    devices.alone(chosen.train, "evaluate --folds")
    chosen = experiment.resolved(chosen)
    corpus = open_corpus(data, chosen.data)
    rule = fold_rule(corpus.items, chosen.split.rule)
    names = names_of(corpus.items, rule)
    target = out or (folder or Path("runs") / corpus.name / f"{chosen.model.name}-{chosen.identity[:8]}") / "folds"
    parts = []
    for name in names:
        try:
            parts.append(_fold(data, _judged_by(chosen, rule, name), target / name))
        except KeyboardInterrupt:
            raise KeyboardInterrupt("the same command again goes on where it stood") from None
    prepared, bundle, judged = parts[-1][0], parts[-1][1], _pooled([part[2] for part in parts])
    bundle.card["rule"] = f"Each of {len(names)} {rule}s judges once, unheard in its training; the answers are pooled."
    if prepared.also:
        bundle.card["rule"] += f" Clips that only train: of {', '.join(each['data'] for each in prepared.also)}."
    bundle.card["digest"] = chosen.identity
    record.begin(target, chosen, data=data, budget="")
    record.predictions(target, prepared, judged)
    record.skipped(target, prepared.skipped)
    written = record.metrics(target, prepared, bundle, judged)
    write_report(target)
    labelled = prepared.corpus.task.kind != "multi"
    accuracy = {name: _accuracy(part[2]) for name, part in zip(names, parts, strict=True)} if labelled else {}
    return Evaluated(target, written, {k: v for k, v in accuracy.items() if math.isfinite(v)}, prepared.skipped)


def _judged_by(recipe: Recipe, rule: Any, name: str) -> Recipe:
    """The recipe of one fold; its teachers, and clips that only train, may be those of the same fold."""
    teachers = tuple(each.replace("{fold}", name) for each in recipe.transfer.teachers)
    also = tuple(each.replace("{fold}", name) for each in recipe.split.also)
    return dataclasses.replace(
        recipe,
        split=dataclasses.replace(recipe.split, rule=rule, test=name, also=also),
        transfer=dataclasses.replace(recipe.transfer, teachers=teachers),
    )


def _accuracy(judged: Judged) -> float:
    """Share of the clips with one label, or one most voted label, that were named so."""
    from auricle.metrics._consensus import consensus

    named, truth = judged.probabilities.argmax(-1), judged.truth
    if truth.ndim == 2:
        rows, truth = consensus(truth)
        named = named[rows]
    return float((named == truth).mean()) if len(truth) else math.nan


def _fold(data: str, recipe: Recipe, folder: Path) -> tuple[Prepared, Any, Judged]:
    """One fold's training, or what it left when it was already done."""
    from auricle import bundle as bundles
    from auricle.learning import experiment, record
    from auricle.verbs._bars import bar_of, bars
    from auricle.verbs.train import tell, train_one

    with bars(shown=recipe.train.progress) as display:
        prepared = experiment.prepare(data, recipe, bar=bar_of(display))
        tell(prepared.begun and f"fold {folder.name}: {prepared.begun}")
        same = record.belongs(folder, prepared.recipe, data=data)
        if same and (folder / "metrics.json").is_file():
            bundle = bundles.load(folder)
        else:
            resume = same and (folder / "checkpoints").is_dir()
            bundle = train_one(prepared, folder, data=data, time="", resume=resume, display=display)
        test = prepared.division.test
        judged = experiment.judge(bundle, prepared.feed, test, bar_of(display)(f"judging {folder.name}", len(test)))
        bundles.save(bundle, folder / "bundle")
        record.predictions(folder, prepared, judged)
        record.metrics(folder, prepared, bundle, judged)
    return prepared, bundle, judged


def _pooled(parts: list[Judged]) -> Judged:
    import numpy as np

    from auricle.learning.experiment import Judged

    return Judged(
        tuple(item for part in parts for item in part.items),
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.uncalibrated for part in parts]),
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.threshold for part in parts]),
    )
