"""One experiment: a corpus divided, surveyed, trained on, calibrated, and judged on clips that had no say in any of it."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from auricle import bundle as bundles
from auricle import catalog, pretrained
from auricle.augments._chain import Chain
from auricle.augments._stage import divided
from auricle.bundle import Bundle, build
from auricle.datasets._corpus import Corpus, open_corpus
from auricle.datasets._division import Division, divide
from auricle.datasets._files import sound_files
from auricle.errors import DataError, RequestError
from auricle.feed import Feed, Survey, rng
from auricle.learning import frozen, probe, restoring, transfer
from auricle.learning.also import also
from auricle.learning.devices import precision
from auricle.learning.loop import Training
from auricle.learning.plan import plan
from auricle.learning.progress import Progress
from auricle.learning.score import Scored, score
from auricle.learning.teacher import Panel
from auricle.metrics import _calibration
from auricle.pipe import Pipe
from auricle.recipe import Recipe
from auricle.types import Item, Seconds, Skipped, Spec, Task

Bar = Callable[[str, int], Callable[[], object]]


def _unseen(_title: str, _total: int) -> Callable[[], object]:
    return lambda: None


_NORMALISING_CLIPS = 400  # training clips that the front end's statistics are taken from, drawn evenly
_LONGEST_ROW: Seconds = 10.0
_SMALLEST_BATCH = 4
_JUDGES = "{test}"  # as a target domain: the clips that judge


@dataclass(frozen=True, slots=True)
class Prepared:
    """A corpus ready to be trained on.

    Args:
        corpus: as it was opened.
        division: which clips train, choose and judge; all of them can be read.
        recipe: with every open choice settled.
        feed: surveyed.
        skipped: files that were left out, and why.
        warnings: what was repaired while reading.
        other: clips of the target domain, without labels.
        also: for the card, what is told of clips from elsewhere that only train.
        begun: what decided whether the network learns, where the recipe left that open, as a sentence; else "".
    """

    corpus: Corpus
    division: Division
    recipe: Recipe
    feed: Feed
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...]
    other: tuple[Item, ...] = ()
    also: tuple[dict[str, Any], ...] = ()
    begun: str = ""


def resolved(recipe: Recipe) -> Recipe:
    """The recipe with everything written out that it leaves to weights from elsewhere; a bundle of it needs them no more.

    Args:
        recipe: such as a person wrote it.

    Returns:
        The same for most.

    Raises:
        RequestError: weights that can't be had, or settings that don't go together.
    """
    recipe = transfer.with_denoiser(probe.resolved(recipe))
    model = catalog.load("models", recipe.model.name)
    if recipe.transfer.passes and not (hasattr(model, "wanted") and recipe.model.args.get("source")):
        said = "names no teacher in model.source" if hasattr(model, "wanted") else "is not solved from a teacher"
        raise RequestError(f"recipe.transfer.passes is {recipe.transfer.passes}; {recipe.model.name} {said}; wanted 0")
    if hasattr(model, "described"):
        recipe = dataclasses.replace(recipe, model=Spec(recipe.model.name, model.described(dict(recipe.model.args))))
    return recipe


def prepare(data: str, recipe: Recipe, *, bar: Bar) -> Prepared:
    """Open, survey and divide a corpus.

    Args:
        data: corpus name, folder or table.
        recipe: how; its dataset settings apply where they belong to this corpus's entry.
        bar: makes a progress bar of so many ticks.

    Returns:
        Everything that training needs.

    Raises:
        DataError: too little is left to train or to judge.
        RequestError: no such corpus.
    """
    corpus = open_corpus(data, recipe.data)
    recipe = dataclasses.replace(recipe, data=corpus.spec)
    if recipe.restores:
        restoring.refuse(recipe)
        corpus = dataclasses.replace(corpus, task=Task((), "wave"))
    divided(recipe.augment)
    Chain(recipe.augment, recipe.sample_rate, classes=len(corpus.task.labels))  # what an effect lacks is told before all clips are read
    feed = Feed(corpus.task, recipe)
    survey = feed.survey(corpus.items, bar("reading", len(corpus.items)))
    if not survey.usable:
        first = f"; the first: {survey.skipped[0].reason}" if survey.skipped else ""
        raise DataError(f"none of the {len(corpus.items)} clips of {data} can be read{first}")
    recipe = _settled(recipe, feed, survey.usable)
    division = divide(survey.usable, recipe.split, seed=recipe.seed)
    if not division.train or not division.test:
        raise DataError(f"{data} leaves {len(division.train)} clips to train on and {len(division.test)} to judge by; wanted some of each")
    more = also(feed, division, bar=bar)
    division = more.beside(division)
    recipe, begun = frozen.decided(_stepping(recipe, len(division.train)), feed, division.train, bar=bar)
    feed.settle(recipe)
    if recipe.transfer.target_domain == _JUDGES:
        other = Survey(division.test, (), ())
    else:
        other = _unlabelled(recipe.transfer.target_domain, feed, bar)
    skipped = corpus.skipped + survey.skipped + more.skipped + other.skipped
    warnings = survey.warnings + more.warnings + other.warnings
    return Prepared(corpus, division, recipe, feed, skipped, warnings, other.usable, more.told, begun)


def training(prepared: Prepared, *, budget: Seconds = 0.0, panel: Panel | None = None, bar: Bar = _unseen) -> Training:
    """A run at its first step, initialised from the seed or from what the recipe transfers, its front end fitted on training clips.

    Args:
        prepared: the corpus.
        budget: seconds to fit the run into, or 0.
        panel: the teachers that the recipe names, or None.
        bar: makes a progress bar of so many ticks.

    Returns:
        The run.
    """
    recipe, feed, division = prepared.recipe, prepared.feed, prepared.division
    torch.manual_seed(rng(recipe.seed, "initial").initial_seed())
    pipe = build(recipe, prepared.corpus.task)
    if recipe.restores:
        return Training(pipe, feed, division.train, division.dev, budget)
    if 0 < pipe.max_samples < feed.row:
        most = pipe.max_samples / recipe.sample_rate
        raise RequestError(
            f"feed.seconds is {recipe.feed.seconds:g}; {recipe.model.name} hears {most:g} s at most",
            hint=f"--set feed.seconds={math.floor(100 * most) / 100:g}; longer clips are cut into passages",
        )
    learnt = _taught(pipe, prepared, bar)
    return Training(
        pipe, feed, division.train, division.dev, budget, plan=plan(pipe, recipe.transfer, learnt), panel=panel, other=prepared.other
    )


def _taught(pipe: Pipe, prepared: Prepared, bar: Bar) -> frozenset[str]:
    """What a pipe takes from elsewhere before its first step, and from the training clips without their labels: names of its tensors."""
    recipe = prepared.recipe
    learnt = transfer.start(pipe, recipe, prepared.corpus.task)
    some = partial(_some_waves, prepared.feed, prepared.division.train, int(pipe.frontend.win))
    if not any(name.startswith("frontend.") for name in learnt) and hasattr(pipe.frontend, "fit"):
        pipe.frontend.fit(some())
    if not learnt and hasattr(pipe.model, "learn") and pipe.model.source:
        teacher = bundles.load(pretrained.locate(pipe.model.source)).pipe.eval()
        before = {name: value.clone() for name, value in pipe.model.state_dict().items()}
        clips = list(some())
        pipe.model.learn(teacher, pipe.frontend, (pipe.frontend(*clip) for clip in clips))
        if passes := recipe.transfer.passes:
            from auricle.learning.following import follow  # with what resamples, which no other training needs

            fast = precision(recipe) != "32-true"
            tick = bar("following the teacher", (passes + 1) * len(clips))
            follow(pipe, teacher, [wave[0] for wave, _ in clips], passes=passes, seed=recipe.seed, fast=fast, tick=tick)
        learnt = frozenset(f"model.{name}" for name, value in pipe.model.state_dict().items() if not torch.equal(value, before[name]))
    return learnt


def probed(prepared: Prepared, *, bar: Bar = _unseen) -> Bundle:
    """A frozen network with a classifier fitted to its embeddings of the training clips, calibrated on the development group.

    Args:
        prepared: the corpus; its recipe names a probe.
        bar: makes a progress bar of so many ticks.

    Returns:
        The bundle, its card telling data and selection; not yet judged.
    """
    torch.manual_seed(rng(prepared.recipe.seed, "initial").initial_seed())
    pipe = build(prepared.recipe, prepared.corpus.task)
    _taught(pipe, prepared, bar)
    train = prepared.division.train
    pipe, recipe, said = probe.fit(pipe, prepared.feed, train, bar("embedding", len(train)))
    if passes := recipe.transfer.passes:
        said = f"{passes} passes behind the teacher without labels, then {said}"
    return _bundled(pipe, prepared, recipe, said)


def finish(run: Training, prepared: Prepared, folder: Path, report: Callable[[Progress, float], None]) -> Bundle:
    """Train to the end and calibrate on the development group.

    Args:
        run: new or restored.
        prepared: the corpus.
        folder: for checkpoints.
        report: called after each step.

    Returns:
        The bundle, its card telling data and selection; not yet judged.
    """
    pipe = run.run(folder, report)
    return _bundled(pipe, prepared, prepared.recipe, selection(prepared.recipe, bool(prepared.division.dev)))


def _bundled(pipe: Pipe, prepared: Prepared, recipe: Recipe, selected: str) -> Bundle:
    """A trained pipe with its calibration and its card."""
    corpus, division = prepared.corpus, prepared.division
    temperature = 1.0
    thresholds: tuple[float, ...] = ()
    if division.dev and not recipe.restores:
        scored = score(pipe, prepared.feed, division.dev)
        truth = scored.target[scored.owner].numpy()
        temperature = _calibration.temperature(scored.logits.double().numpy(), truth, shares=corpus.task.kind == "distribution")
        if corpus.task.kind == "multi":
            calibrated = scored.probabilities(temperature).double().numpy()
            thresholds = tuple(_calibration.thresholds(calibrated, scored.target.numpy()).tolist())
    origin, denoiser = transfer.origin(recipe), transfer.origin_of(recipe.transfer.denoiser)
    if not origin and hasattr(getattr(pipe, "model", None), "origin"):
        origin = pipe.model.origin()
    if hasattr(getattr(pipe, "model", None), "learn"):
        origin = origin or transfer.origin_of(pipe.model.source)
    card = {
        "dataset": corpus.name,
        "license": corpus.license,
        "citation": corpus.citation,
        "weights_may_ship": corpus.weights_may_ship and all(each.get("weights_may_ship", True) for each in (origin, denoiser)),
        "rule": f"{division.protocol} {restoring.heldout(recipe)}" if recipe.restores else division.protocol,
        "digest": division.digest,
        "selection": selected,
        "decoders": decoders(division.train),
        "train_clips": len(division.train),
        "dev_clips": len(division.dev),
        **({"transfer": origin} if origin else {}),
        **({"denoiser": denoiser} if denoiser else {}),
        **({"teachers": list(recipe.transfer.teachers), "teaching": recipe.transfer.teaching} if recipe.transfer.teachers else {}),
        **({"target_domain": _of_target_domain(prepared)} if prepared.other else {}),
        **({"also": list(prepared.also)} if prepared.also else {}),
    }
    return Bundle(pipe, recipe, corpus.task, temperature, thresholds, card)


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers of a bundle on clips, and the truth.

    Args:
        items: the clips.
        probabilities: [R, K] calibrated.
        uncalibrated: [R, K] at temperature 1.
        truth: [R] class indices, or [R, K] multi-hot or shares of annotators.
        threshold: [R, K] least probability that names a class, where any number may hold.
    """

    items: tuple[Item, ...]
    probabilities: NDArray[np.float64]
    uncalibrated: NDArray[np.float64]
    truth: NDArray[Any]
    threshold: NDArray[np.float64]


def judge(bundle: Bundle, feed: Feed, items: Sequence[Item], tick: Callable[[], object] | None = None) -> Judged:
    """A bundle's answers on clips.

    Args:
        bundle: trained.
        feed: reads the clips.
        items: the clips.
        tick: called after each piece.

    Returns:
        Calibrated probabilities and truths.
    """
    scored: Scored = score(bundle.pipe, feed, items, tick)
    return Judged(
        tuple(items),
        scored.probabilities(bundle.temperature).double().numpy(),
        scored.probabilities().double().numpy(),
        scored.target.numpy(),
        np.tile(bundle.thresholds or (0.5,) * len(bundle.task.labels), (len(items), 1)),
    )


def selection(recipe: Recipe, dev: bool) -> str:
    """How the weights were chosen, in words; the test clips never have a say."""
    if recipe.train.patience and dev:
        return f"epoch of the lowest development loss, patience {recipe.train.patience}"
    averaged = f", weights averaged with decay {recipe.train.ema}" if recipe.train.ema else ""
    return f"last epoch{averaged}"


def seconds_of(budget: str) -> Seconds:
    """A time budget in seconds.

    Args:
        budget: such as "90s", "10m", "1.5h", or "" for none.

    Returns:
        Seconds, 0 for none.

    Raises:
        RequestError: it is none of these.

    >>> seconds_of("10m"), seconds_of("")
    (600.0, 0.0)
    """
    if not budget:
        return 0.0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h)", budget.strip())
    if not found or not float(found[1]):
        raise RequestError(f"time is {budget!r}; wanted a number and s, m or h, such as 10m")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]]


def decoders(items: Sequence[Item]) -> list[str]:
    """The libraries that decode these files, one file of each suffix asked."""
    from auricle.audio.read import blocks

    one_each = {item.path.suffix.lower(): item.path for item in items}
    return sorted({next(iter(blocks(path, seconds=0.1))).decoder for path in one_each.values()})


def _unlabelled(folder: str, feed: Feed, bar: Bar) -> Survey:
    """Clips of the target domain; the label they carry is never looked at."""
    if not folder:
        return Survey((), (), ())
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise RequestError(f"recipe.transfer.target_domain is {folder!r}, which is not a folder")
    items = [Item(root / path, feed.task.labels[:1]) for path in sound_files(root)]
    found = feed.survey(items, bar("reading the target domain", len(items)))
    if not found.usable:
        raise DataError(f"{root} holds no clip that can be read; wanted sound of the target domain")
    return found


def _of_target_domain(prepared: Prepared) -> dict[str, int]:
    """Clips heard without labels, and how many of them judge later: adaptation to the very clips of a test is another protocol."""
    judged = {item.path.resolve() for item in prepared.division.test}
    return {"clips": len(prepared.other), "of the test": sum(item.path.resolve() in judged for item in prepared.other)}


def _settled(recipe: Recipe, feed: Feed, items: Sequence[Item]) -> Recipe:
    """Rows as long as nearly all clips where the recipe leaves it open, and no longer than the network hears."""
    if recipe.feed.seconds > 0:
        return recipe
    durations = [len(feed.wave(item)) / recipe.sample_rate for item in items]
    seconds = min(_LONGEST_ROW, max(0.5, float(np.quantile(durations, 0.95))))
    if hasattr(catalog.load("models", recipe.model.name), "max_frames"):
        seconds = min(seconds, math.floor(100 * build(recipe, feed.task).max_samples / recipe.sample_rate) / 100)
    return dataclasses.replace(recipe, feed=dataclasses.replace(recipe.feed, seconds=round(seconds, 2)))


def _stepping(recipe: Recipe, clips: int) -> Recipe:
    """A smaller batch where the recipe's would leave fewer than eight steps to an epoch: few clips need their steps too."""
    batch = min(recipe.train.batch, max(_SMALLEST_BATCH, clips // 8))
    return dataclasses.replace(recipe, train=dataclasses.replace(recipe.train, batch=batch))


def _some_waves(feed: Feed, items: Sequence[Item], least: int) -> Any:
    step = max(1, len(items) // _NORMALISING_CLIPS)
    for item in items[::step]:
        wave = torch.from_numpy(np.asarray(feed.wave(item))[: feed.row])
        if wave.shape[0] >= least:
            yield wave[None], torch.tensor([wave.shape[0]])
