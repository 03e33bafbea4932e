"""The values that cross every boundary: plain frozen records, no behaviour.

Shapes everywhere use the same letters: B rows, C channels, T samples, F bins, N frames, D features, M steps, K classes.
This file imports nothing heavy: numpy and torch are named for the type checker only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

Seconds = float
Hertz = float
Decibels = float

TaskKind = Literal["single", "multi", "frames", "distribution", "wave"]
State = dict[str, "Tensor"]


@dataclass(frozen=True, slots=True)
class Clip:
    """Decoded sound.

    Args:
        samples: [C, T] float32, full scale ±1.
        sample_rate: samples a second.
        warnings: one sentence for each thing that was repaired while reading.
        decoder: the library and version that decoded it.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    warnings: tuple[str, ...] = ()
    decoder: str = ""

    @property
    def duration(self) -> Seconds:
        """Length in seconds."""
        return float(self.samples.shape[-1]) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Item:
    """One labelled stretch of one file of a corpus.

    Args:
        path: the file.
        target: label names that hold here; exactly one where the task is `single`, the most voted first where it is `distribution`.
        start: seconds from the file's beginning.
        stop: seconds, or None for the file's end.
        split: "train", "dev", "test", or "" where the corpus has none.
        fold: name of the official fold, or "".
        group: what must never straddle a split (speaker, source recording, uploader); "" where unknown.
        votes: how many annotators gave each label of `target`; empty where the labels hold alike.
    """

    path: Path
    target: tuple[str, ...]
    start: Seconds = 0.0
    stop: Seconds | None = None
    split: str = ""
    fold: str = ""
    group: str = ""
    votes: tuple[float, ...] = ()

    @property
    def shares(self) -> dict[str, float]:
        """How much of a clip of each label it is: 1 of each of its labels, or their shares of the votes, which sum to 1."""
        if self.votes:
            return {label: votes / sum(self.votes) for label, votes in zip(self.target, self.votes, strict=True)}
        return dict.fromkeys(self.target, 1.0)


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be told apart, and how: the one value that head, loss, metrics and decider agree on.

    Args:
        labels: class names, in the order of the logits.
        kind: "single" (one label a clip), "multi" (any number), "frames" (labels over time), "distribution" (how annotators divide
            over the labels) or "wave" (no labels: the wave without its noise).
    """

    labels: tuple[str, ...]
    kind: TaskKind = "single"


@dataclass(frozen=True, slots=True)
class Batch:
    """What the feed hands to the loop.

    Args:
        wave: [B, T] float32 mono, full scale ±1, at the recipe's sample rate.
        length: [B] int64 valid samples of each row.
        target: [B] int64 class indices, or [B, K] float32 multi-hot, shares of annotators, or mixed rows.
    """

    wave: Tensor
    length: Tensor
    target: Tensor


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer.

    Args:
        label: class name.
        score: calibrated probability.
        start: seconds.
        stop: seconds.
    """

    label: str
    score: float
    start: Seconds
    stop: Seconds


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, and the one sentence that says why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Spec:
    """A component by name, with its settings: what a recipe stores and `catalog.make` builds."""

    name: str
    args: dict[str, object] = field(default_factory=dict)
