"""Sample rates that differ between classes or promise more bandwidth than there is, which a model may learn instead of the sound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from auricle.audits._finding import Finding, counted
from auricle.audits._heard import Heard
from auricle.types import Item

NARROW = 0.75
"""Share of half the sample rate below which a file is narrow."""
_MANY = 0.05


def rates(items: Sequence[Item], heard: Mapping[Path, Heard]) -> list[Finding]:
    """What rates, channels and formats give away.

    Args:
        items: the corpus's clips.
        heard: what was heard of each file.

    Returns:
        At most three findings.
    """
    paths = [p for p in dict.fromkeys(item.path for item in items) if p in heard and not heard[p].error]
    known = [heard[path] for path in paths]
    finds = []
    counts = Counter(each.sample_rate for each in known)
    if len(counts) > 1:
        told = ", ".join(f"{count} at {rate} Hz" for rate, count in counts.most_common(6))
        rare = [each.path for each in known if each.sample_rate != counts.most_common(1)[0][0]]
        sentence = f"{len(counts)} sample rates ({told}): each file is resampled; those below the recipe's rate lack its upper band"
        finds.append(Finding("note", sentence, tuple(rare), f"--set sample_rate={_usual(counts)}"))
    tell = _telling(items, heard)
    if tell:
        finds.append(Finding("warning", f"the sample rate tells the class: {tell}; a model may learn the recorder instead of the sound"))
    narrow = [each for each in known if each.bandwidth < NARROW * each.sample_rate / 2]
    if narrow and len(narrow) >= _MANY * len(known):
        middle = sorted(each.bandwidth for each in narrow)[len(narrow) // 2]
        sentence = (
            f"{counted(len(narrow), 'file')} of {len(known)} hold nothing above about {middle / 1000:.1f} kHz, less than their sample rate "
            "allows: they were resampled or coded at a low rate"
        )
        finds.append(Finding("note", sentence, tuple(each.path for each in narrow)))
    return finds


def _usual(counts: Counter[int]) -> int:
    """The lowest rate that is not an exception."""
    return min(rate for rate, count in counts.items() if count >= _MANY * counts.total())


def _telling(items: Sequence[Item], heard: Mapping[Path, Heard]) -> str:
    """Classes whose every file has a rate that no other class has."""
    by_class: dict[str, set[int]] = {}
    for item in items:
        if item.path in heard and not heard[item.path].error:
            for label in item.target:
                by_class.setdefault(label, set()).add(heard[item.path].sample_rate)
    alone = {
        label: found
        for label, found in by_class.items()
        if len(by_class) > 1 and len(found) == 1 and all(not found & other for name, other in by_class.items() if name != label)
    }
    return ", ".join(f"{label} alone is at {min(found)} Hz" for label, found in list(alone.items())[:5])
