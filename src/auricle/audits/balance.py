"""Classes with too few clips or groups to learn from or to judge by, and classes that outnumber others by far."""

from __future__ import annotations

from collections.abc import Sequence

from auricle.audits._finding import Finding
from auricle.types import Item, Task

_FEW = 10
_UNEVEN = 10


def balance(items: Sequence[Item], task: Task) -> list[Finding]:
    """What the numbers of clips a class mean for training and for the score.

    Where annotators divide, a clip counts for each label by its share of the votes, as training weighs it.

    Args:
        items: the corpus's clips.
        task: its labels.

    Returns:
        At most four findings.
    """
    clips: dict[str, float] = dict.fromkeys(task.labels, 0.0)
    for item in items:
        for label, share in item.shares.items():
            clips[label] = clips.get(label, 0.0) + share
    finds = []
    empty = [label for label in task.labels if not clips[label]]
    if empty:
        finds.append(Finding("error", f"no clip is labelled {_few(empty)}; a class without clips is never learnt"))
    few = [label for label in task.labels if 0 < clips[label] < _FEW]
    if few:
        told = ", ".join(f"{label} {clips[label]:.3g}" for label in few[:8]) + (", …" if len(few) > 8 else "")
        finds.append(Finding("warning", f"fewer than {_FEW} clips ({told}): neither learnt nor judged reliably"))
    counts = sorted((clips[label], label) for label in task.labels if clips[label])
    if len(counts) > 1 and counts[-1][0] > _UNEVEN * counts[0][0]:
        (least, rare), (most, common) = counts[0], counts[-1]
        sentence = f"{common} has {most:.0f} clips, {rare} {least:.3g}: accuracy hides the rare classes; look at balanced accuracy"
        finds.append(Finding("warning", sentence, fix="--set train.sampler=balanced"))
    lonely = [label for label in task.labels if _groups(items, label) == 1 and clips[label] > 1]
    if lonely:
        sentence = f"all clips of {_few(lonely)} come from one group: a split by group cannot both train and judge them"
        finds.append(Finding("warning", sentence))
    return finds


def _groups(items: Sequence[Item], label: str) -> int:
    """Groups of one class, 0 where they are not known."""
    found = {item.group for item in items if label in item.target}
    return 0 if "" in found else len(found)


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
