"""Every figure of a test with its interval, the classes one by one, the confusions and the confident mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle import catalog
from auricle.errors import DataError, RequestError
from auricle.metrics._bootstrap import Units, draws, interval, units
from auricle.metrics._consensus import consensus
from auricle.metrics._mistakes import Mistake, most_confident_mistakes
from auricle.metrics._truth import check, chosen, hot
from auricle.types import Spec, Task

Real = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Score:
    """One figure and its 95 % interval; NaN where it is not defined for these clips."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class.

    Args:
        label: its name.
        precision: of the clips named so, the share that are; 0 where none is named so.
        recall: of the clips that are, the share named so; 0 where none is.
        f1: the harmonic mean of the two.
        support: clips that are.
    """

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What a test came to.

    Args:
        task: what was told apart.
        figures: by the metric's name, in the catalogue's order.
        per_class: in the order of the labels.
        confusion: [K, K] clips by true class (rows) and named class (columns); empty where any number of classes may hold.
        unit: what the intervals were resampled over, "group" or "clip".
        note: the same as one sentence, with what it means.
        clips: R.
        decided: clips with one most voted label, which all but the distribution's own figures are over; R where nobody votes.
        groups: known groups among the clips.
        mistakes: every mistake, the most confident first.
    """

    task: Task
    figures: dict[str, Score]
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    unit: str
    note: str
    clips: int
    decided: int
    groups: int
    mistakes: tuple[Mistake, ...]

    def most_confident_mistakes(self, n: int) -> tuple[Mistake, ...]:
        """The n mistakes the model was surest of."""
        return self.mistakes[:n]

    def tree(self) -> dict[str, Any]:
        """The parts of metrics.json that come from the clips, as plain JSON values; an undefined figure is null."""
        return {
            "scores": {name: {"value": _plain(s.value), "low": _plain(s.low), "high": _plain(s.high)} for name, s in self.figures.items()},
            "interval": {"unit": self.unit, "note": self.note},
            "per_class": [
                {"label": c.label, "precision": c.precision, "recall": c.recall, "f1": c.f1, "support": c.support} for c in self.per_class
            ],
            "confusion": [list(row) for row in self.confusion],
        }


def scores(
    task: Task,
    probabilities: Real,
    truth: NDArray[np.generic],
    groups: Sequence[str],
    *,
    seed: int,
    resamples: int = 1000,
    threshold: float | Real = 0.5,
) -> Scores:
    """Every figure of the catalogue that is defined for the task's kind, with a 95 % interval over groups.

    Args:
        task: labels and kind, "single", "multi" or "distribution".
        probabilities: [R, K] calibrated, one row a clip.
        truth: [R] class indices where the task is single, [R, K] multi-hot where it is multi, shares of annotators where a distribution.
        groups: the group of each clip, "" where unknown; empty where there are none.
        seed: the only source of chance.
        resamples: of the bootstrap; 0 leaves the intervals NaN.
        threshold: least probability that names a class, where any number may hold; one for all, [K] or [R, K].

    Returns:
        All that metrics.json says about the clips.

    Raises:
        RequestError: no figure is defined for the task's kind.
        ShapeError: the arrays do not fit together, or not the task.
        DataError: no clips, or a probability that is not finite.
    """
    if task.kind not in {"single", "multi", "distribution"}:
        raise RequestError(f"a {task.kind} task has no figures for whole clips; wanted single, multi or distribution")
    check(probabilities, truth)
    if (truth.ndim == 1) != (task.kind == "single") or probabilities.shape[1] != len(task.labels):
        raise DataError(
            f"truth {list(truth.shape)} and probabilities {list(probabilities.shape)} are not those of "
            f"a {task.kind} task with {len(task.labels)} labels"
        )
    if len(groups) not in {0, len(truth)}:
        raise DataError(f"there are {len(groups)} groups for {len(truth)} clips; wanted one a clip")
    sampled = units(groups, len(truth))
    clips, figures = len(truth), _figures(_metrics(task, threshold), probabilities, truth, sampled, seed=seed, resamples=resamples)
    mistakes = most_confident_mistakes(task, probabilities, truth, threshold=threshold)
    if task.kind == "distribution":
        rows, truth = consensus(truth.astype(np.float64))
        probabilities, among = probabilities[rows], units([groups[row] for row in rows] if groups else (), len(rows))
        others = {name: made for name, made in _metrics(Task(task.labels), threshold).items() if name not in figures}
        figures |= _figures(others, probabilities, truth, among, seed=seed, resamples=resamples)
    true, named = hot(truth, len(task.labels)), chosen(probabilities, truth, threshold)
    return Scores(
        task=task,
        figures=figures,
        per_class=_per_class(task, true, named),
        confusion=() if task.kind == "multi" else confusion(true, named),
        unit=sampled.name,
        note=sampled.note,
        clips=clips,
        decided=len(truth),
        groups=len({g for g in groups if g}),
        mistakes=mistakes,
    )


def confusion(true: NDArray[np.bool_], named: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    """Clips by true and named class.

    Args:
        true: [R, K] one class a row.
        named: [R, K] one class a row.

    Returns:
        [K, K], rows are the truth.
    """
    counts = true.T.astype(np.float64) @ named.astype(np.float64)
    return tuple(tuple(int(n) for n in row) for row in counts)


def _figures(
    metrics: dict[str, Any], probabilities: Real, truth: NDArray[np.generic], sampled: Units, *, seed: int, resamples: int
) -> dict[str, Score]:
    if not len(truth):
        return dict.fromkeys(metrics, Score(math.nan, math.nan, math.nan))
    values: dict[str, list[NDArray[np.float64]]] = {name: [] for name in metrics}
    for weights in draws(sampled, seed=seed, resamples=resamples):
        for name, metric in metrics.items():
            values[name].append(_resampled(metric, probabilities, truth, weights))
    figures = {}
    for name, metric in metrics.items():
        value = float(metric(probabilities, truth))
        low, high = interval(value, np.concatenate([*values[name], np.zeros(0)]), count=sampled.count)
        figures[name] = Score(value, low, high)
    return figures


def _metrics(task: Task, threshold: float | Real) -> dict[str, Any]:
    fitting = [name for name in catalog.names("metrics") if task.kind in catalog.load("metrics", name).kinds]
    made = {name: catalog.make("metrics", Spec(name)) for name in fitting}
    for metric in made.values():
        if hasattr(metric, "threshold"):  # figures over named classes cut where the model does
            metric.threshold = threshold
    if task.kind == "distribution":
        made["calibration_error"] = catalog.make("metrics", Spec("calibration_error", {"shares": True}))
    if "d_prime" in made:  # the two conventions differ much: a reader is shown both
        made["mean_d_prime"] = catalog.make("metrics", Spec("d_prime", {"convention": "mean_d_prime"}))
    return made


def _resampled(metric: Any, probabilities: Real, truth: NDArray[np.generic], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    if hasattr(metric, "resampled"):
        return np.asarray(metric.resampled(probabilities, truth, weights))
    # A metric from elsewhere need not know about weights: it is shown the clips as often as they were drawn.
    drawn = [np.repeat(np.arange(len(truth)), column.astype(np.int64)) for column in weights.T]
    return np.array([metric(probabilities[rows], truth[rows]) for rows in drawn])


def _per_class(task: Task, true: NDArray[np.bool_], named: NDArray[np.bool_]) -> tuple[ClassScore, ...]:
    hits, support, called = (true & named).sum(axis=0), true.sum(axis=0), named.sum(axis=0)
    rows = zip(task.labels, hits.tolist(), support.tolist(), called.tolist(), strict=True)
    return tuple(ClassScore(label, _share(h, c), _share(h, s), _share(2 * h, s + c), s) for label, h, s, c in rows)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
