"""How far annotators agree: judgements a clip, clips with one most voted label, and Krippendorff's alpha for labels without an order.

Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, section D (any number of observers, missing data). Differs where an annotator
gives a clip several labels: the judgement then counts for each of them in equal shares, as if one were drawn.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auricle.audits._finding import counted


@dataclass(frozen=True, slots=True)
class Agreement:
    """What several annotators' judgements have in common.

    Args:
        annotators: how many.
        clips: that anyone judged.
        each: judgements a clip, on average over those.
        decided: share of those with one most voted label.
        alpha: Krippendorff's, for labels without an order; NaN where nothing can be said.
    """

    annotators: int
    clips: int
    each: float
    decided: float
    alpha: float

    def text(self) -> str:
        """The same in one line."""
        found = f"alpha {self.alpha:.3f}" if math.isfinite(self.alpha) else "alpha undefined"
        decided = f"{100 * self.decided:.0f} % with one most voted label"
        return f"{counted(self.annotators, 'annotator')}, {self.each:.1f} a clip, {decided}, {found}"


def measured(judgements: Sequence[Sequence[Sequence[str]]]) -> Agreement:
    """The agreement of annotators.

    Args:
        judgements: of each clip, the labels that each annotator gave, none where one did not judge.

    Returns:
        All figures; 0 where nobody judged anything.
    """
    judged = [[said for said in clip if said] for clip in judgements if any(clip)]
    decided = 0
    for clip in judged:
        votes: dict[str, float] = defaultdict(float)
        for said in clip:
            for label in said:
                votes[label] += 1 / len(said)
        first, *others = sorted(votes.values(), reverse=True)
        decided += not others or first > others[0] + 1e-9
    return Agreement(
        annotators=max(map(len, judgements), default=0),
        clips=len(judged),
        each=sum(map(len, judged)) / max(len(judged), 1),
        decided=decided / max(len(judged), 1),
        alpha=alpha(judged),
    )


def alpha(judgements: Sequence[Sequence[Sequence[str]]]) -> float:
    """One less the ratio of observed to expected disagreement.

    Args:
        judgements: of each clip, the labels that each annotator gave, none where one did not judge.

    Returns:
        1 for full agreement, about 0 for chance, below 0 for systematic disagreement; NaN where no clip was judged twice, or all
        judgements are one label and nothing could have disagreed.
    """
    labels = {label: k for k, label in enumerate(sorted({label for clip in judgements for said in clip for label in said}))}
    total, own, agreed = np.zeros(len(labels)), 0.0, 0.0  # votes, chance to meet oneself, pairs that agree
    judged = 0
    for clip in judgements:
        rows = [said for said in clip if said]
        if len(rows) < 2:
            continue  # nothing to be compared with
        votes = np.zeros((len(rows), len(labels)))
        for row, said in enumerate(rows):
            votes[row, [labels[label] for label in said]] = 1 / len(said)
        alone = float((votes**2).sum())
        agreed += (float((votes.sum(0) ** 2).sum()) - alone) / (len(rows) - 1)
        total, own, judged = total + votes.sum(0), own + alone, judged + len(rows)
    if judged == 0:
        return math.nan
    expected = 1 - (float((total**2).sum()) - own) / (judged * (judged - 1))
    return 1 - (1 - agreed / judged) / expected if expected > 1e-12 else math.nan
