"""How far annotators agree by Krippendorff's alpha, and what that means for a label made of their votes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from auricle.audits._agreed import measured
from auricle.audits._finding import Finding, counted

_RELIABLE, _TENTATIVE = 0.8, 0.667  # Krippendorff 2004, Content Analysis, 2nd edition, chapter 11


def agreement(judgements: Sequence[Sequence[Sequence[str]]], *, soft: bool = False) -> list[Finding]:
    """What the annotators' agreement means for a label made of their votes.

    Args:
        judgements: of each clip, the labels that each annotator gave, none where one did not judge.
        soft: whether the distribution of the votes is the target already.

    Returns:
        At most two findings.
    """
    if not judgements:
        return []
    found = measured(judgements)
    if not math.isfinite(found.alpha):
        return [Finding("note", "the annotators' agreement is undefined: no clip was judged by two, or all judgements are the same")]
    told = f"Krippendorff's alpha of {counted(found.annotators, 'annotator')} is {found.alpha:.3f}"
    fix = "" if soft else "--set data.kind=distribution"
    finds = []
    if found.alpha < _TENTATIVE:
        why = "the most voted label hides how they divide" if not soft else "the distribution of their votes is what can be learnt"
        finds.append(Finding("note" if soft else "warning", f"{told}, below {_TENTATIVE}: {why}", fix=fix))
    elif found.alpha < _RELIABLE:
        finds.append(Finding("note", f"{told}: enough for tentative conclusions, which end at {_RELIABLE:g}", fix=fix))
    undecided = round(found.clips * (1 - found.decided))
    if undecided and not soft:
        sentence = f"{counted(undecided, 'clip')} of {found.clips} have no one most voted label, and are left out"
        finds.append(Finding("note", sentence, fix=fix))
    return finds
