"""Recordings that a corpus holds more than once: sample for sample, or at another gain, rate or format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from auricle.audits._finding import Finding, counted, set_aside
from auricle.audits._fingerprint import alike
from auricle.audits._heard import Heard
from auricle.types import Item


def duplicates(items: Sequence[Item], heard: Mapping[Path, Heard]) -> list[Finding]:
    """Files that hold the same recording, and those of them that are labelled differently.

    Args:
        items: the corpus's clips.
        heard: what was heard of each file.

    Returns:
        At most three findings: exact copies, near copies, copies under different labels.
    """
    labels: dict[Path, set[tuple[str, ...]]] = {}
    for item in items:
        labels.setdefault(item.path, set()).add(tuple(sorted(item.target)))
    groups = twins(items, heard)
    exact = [g for g in groups if len({heard[p].digest for p in g}) == 1]
    near = [g for g in groups if g not in exact]
    finds = []
    for found, how in ((exact, "the same samples"), (near, "the same recording at another gain, rate or format")):
        if found:
            extra = [path for group in found for path in group[1:]]
            sentence = f"{counted(len(extra), 'file')} too many: {counted(len(found), 'group')} of files hold {how}"
            finds.append(Finding("warning", sentence, tuple(p for group in found for p in group), set_aside(extra)))
    torn = [g for g in groups if len(set().union(*(labels[p] for p in g))) > 1 and all(len(labels[p]) == 1 for p in g)]
    if torn:
        first = torn[0][0]
        other = next(path for path in torn[0] if labels[path] != labels[first])
        told = " and ".join("+".join(min(labels[path])) or "no label" for path in (first, other))
        sentence = f"{counted(len(torn), 'group')} of copies with different labels, such as {first.name} and {other.name}: {told}"
        finds.append(Finding("error", sentence, tuple(p for group in torn for p in group)))
    return finds


def twins(items: Sequence[Item], heard: Mapping[Path, Heard]) -> list[tuple[Path, ...]]:
    """Groups of files that hold the same recording.

    Args:
        items: the corpus's clips.
        heard: what was heard of each file.

    Returns:
        Groups of two or more files, in the corpus's order.
    """
    paths = [p for p in dict.fromkeys(item.path for item in items) if p in heard and not heard[p].error and heard[p].peak > 0]
    leader = list(range(len(paths)))

    def find(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    first: dict[str, int] = {}
    pairs = [(first.setdefault(heard[path].digest, number), number) for number, path in enumerate(paths)]
    for left, right in [*pairs, *alike([heard[path].words for path in paths])]:
        low, high = sorted((find(left), find(right)))
        leader[high] = low
    groups: dict[int, list[Path]] = {}
    for number, path in enumerate(paths):
        groups.setdefault(find(number), []).append(path)
    return [tuple(group) for group in groups.values() if len(group) > 1]
