"""Where the model was wrong, the surest first: what to listen to when a figure is not what was hoped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.metrics._consensus import consensus
from auricle.metrics._truth import chosen, hot
from auricle.types import Task

Real = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong answer.

    Args:
        row: which clip.
        truth: what is true of it; several labels are joined by ", ".
        prediction: what was named; where any number of classes may hold, the class that was wrongly named, or "not X" for a missed one.
        score: probability the model gave to its answer.
    """

    row: int
    truth: str
    prediction: str
    score: float


def most_confident_mistakes(
    task: Task, probabilities: Real, truth: NDArray[np.generic], n: int | None = None, *, threshold: float | Real = 0.5
) -> tuple[Mistake, ...]:
    """Wrong answers by falling confidence.

    Args:
        task: labels and kind.
        probabilities: [R, K].
        truth: [R] class indices, [R, K] multi-hot, or [R, K] shares of annotators, of whom most know what is right.
        n: how many; None for all.
        threshold: least probability that names a class, where any number may hold; one for all, [K] or [R, K].

    Returns:
        Equal confidence keeps the order of the clips. Of a distribution, clips with one most voted label that was not named.
    """
    place = np.arange(len(truth))
    if task.kind == "distribution":
        place, truth = consensus(truth.astype(np.float64))
        probabilities = probabilities[place]
    true, named = hot(truth, len(task.labels)), chosen(probabilities, truth, threshold)
    wrong = true != named
    if truth.ndim == 1:
        wrong &= named  # a clip that is wrongly named one class is also missed as another: one mistake
    rows, classes = np.nonzero(wrong)
    said = probabilities[rows, classes].astype(np.float64)
    sure = np.where(named[rows, classes], said, 1 - said)
    found = []
    for at in np.argsort(-sure, kind="stable")[:n]:
        row, label = int(rows[at]), task.labels[int(classes[at])]
        held = ", ".join(task.labels[k] for k in np.flatnonzero(true[row]))
        found.append(Mistake(int(place[row]), held, label if named[row, classes[at]] else f"not {label}", float(sure[at])))
    return tuple(found)
