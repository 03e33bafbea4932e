"""Figures of one way of training, repeated under several seeds and judged by the same clips: their mean, with an interval over groups.

The seeds' answers are no new speakers: what is drawn are groups, each of which brings its clips' answers under every seed (the cluster
bootstrap of `_bootstrap`). The interval so tells how the mean over these seeds would change with other groups. Ways of training that were
judged by the same clips are drawn alike, so that their difference has an interval of its own, narrower than the two it is between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle import catalog
from auricle.metrics._bootstrap import draws, interval, units
from auricle.metrics._scores import Score
from auricle.types import Spec

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")


@dataclass(frozen=True, slots=True)
class Repeated:
    """One figure under several seeds.

    Args:
        seeds: of each seed.
        resampled: [B] the mean over the seeds in each resample of the groups.
        count: units that were resampled.
    """

    seeds: tuple[float, ...]
    resampled: NDArray[np.float64]
    count: int

    @property
    def score(self) -> Score:
        """The mean over the seeds and its interval."""
        mean = float(np.mean(self.seeds))
        return Score(mean, *interval(mean, self.resampled, count=self.count))

    def above(self, other: Repeated) -> Score:
        """By how much its mean is higher.

        Args:
            other: judged by the same clips and drawn by the same chance.

        Returns:
            The difference and its interval.
        """
        gain = float(np.mean(self.seeds) - np.mean(other.seeds))
        # Away from 0 and 1, which a share can't pass and a difference can.
        low, high = interval(gain + 2, self.resampled - other.resampled + 2, count=self.count)
        return Score(gain, low - 2, high - 2)


def repeated(
    named: Sequence[NDArray[np.int64]], truth: NDArray[np.int64], groups: Sequence[str], *, classes: int, resamples: int = 1000
) -> dict[str, Repeated]:
    """Accuracy, unweighted average recall and macro F1 under several seeds.

    Args:
        named: [R] class indices, of each seed.
        truth: [R] class indices.
        groups: of each clip, "" where unknown.
        classes: K.
        resamples: B.

    Returns:
        By the metric's name. The same clips in the same order are drawn alike, whoever named them.
    """
    sampled = units(groups, len(truth))
    weights = list(draws(sampled, seed=0, resamples=resamples))
    answers = [np.eye(classes)[each] for each in named]
    found = {}
    for name in FIGURES:
        metric = catalog.make("metrics", Spec(name))
        drawn = np.mean([np.concatenate([metric.resampled(each, truth, block) for block in weights]) for each in answers], axis=0)
        found[name] = Repeated(tuple(float(metric(each, truth)) for each in answers), drawn, sampled.count)
    return found
