"""What `inspect` found, as text for a person and as a tree for `--json`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from auricle.audits._agreed import Agreement
from auricle.audits._finding import Finding, counted
from auricle.audits._heard import Heard
from auricle.audits.rates import NARROW
from auricle.types import Item, Skipped, Task

_MOST_ROWS = 40
_MOST_PATHS = 5


@dataclass(frozen=True, slots=True)
class Inspected:
    """A corpus, understood and checked.

    Args:
        name: the corpus's.
        root: folder that its files lie below.
        read_as: the entry of the datasets catalogue that read it.
        task: labels and kind.
        items: its clips.
        heard: what was heard of each file.
        findings: what the audits found, worst first.
        skipped: files that cannot be used, and why.
        license: of the recordings, or "".
        agreement: of several annotators, where each said what it is.
    """

    name: str
    root: Path
    read_as: str
    task: Task
    items: tuple[Item, ...]
    heard: dict[Path, Heard]
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    license: str = ""
    agreement: Agreement | None = None

    def text(self) -> str:
        """What a person reads."""
        good = [each for each in self.heard.values() if not each.error]
        head = f"{self.name}: {counted(len(self.items), 'clip')} in {counted(len(self.heard), 'file')}, {_time(self._seconds())} of sound"
        rows = [
            ("read as", f"{self.read_as}, from {self.root}"),
            ("license", self.license),
            ("task", f"{self.task.kind}, {counted(len(self.task.labels), 'label')}"),
            ("judged by", self.agreement.text() if self.agreement else ""),
            ("folders", _counts(Counter(_top(item.path, self.root) for item in self.items))),
            ("splits", _counts(Counter(item.split for item in self.items if item.split))),
            ("folds", _counts(Counter(item.fold for item in self.items if item.fold))),
            ("groups", _groups(self.items)),
            ("rates", _counts(Counter(f"{each.sample_rate} Hz" for each in good))),
            ("channels", _counts(Counter(str(each.channels) for each in good))),
            ("formats", _counts(Counter(f"{each.container}/{each.codec}" for each in good))),
            ("clips", _spread(self._durations())),
        ]
        lines = [head, *(f"  {key:<9} {value}" for key, value in rows if value), *self._classes()]
        lines += ["", f"{counted(len(self.findings), 'finding')}:"] if self.findings else ["", "nothing suspicious was found"]
        for found in self.findings:
            lines += _told(found, self.root)
        return "\n".join(lines)

    def tree(self) -> dict[str, Any]:
        """Plain JSON values."""
        clips, seconds = self._by_class()
        return {
            "name": self.name,
            "root": str(self.root),
            "read_as": self.read_as,
            "license": self.license,
            "task": {"kind": self.task.kind, "labels": list(self.task.labels)},
            "agreement": {**asdict(self.agreement), "alpha": _plain(self.agreement.alpha)} if self.agreement else None,
            "clips": len(self.items),
            "files": len(self.heard),
            "seconds": self._seconds(),
            "classes": [{"label": label, "clips": _number(clips[label]), "seconds": seconds[label]} for label in self.task.labels],
            "splits": Counter(item.split for item in self.items),
            "folds": Counter(item.fold for item in self.items),
            "groups": len({item.group for item in self.items} - {""}),
            "sounds": [sound(each) for each in self.heard.values() if not each.error],
            "findings": [
                {"severity": f.severity, "sentence": f.sentence, "paths": [str(p) for p in f.paths], "fix": f.fix} for f in self.findings
            ],
            "skipped": [{"path": str(each.path), "reason": each.reason} for each in self.skipped],
        }

    def _durations(self) -> list[float]:
        """Seconds of each clip whose file could be read."""
        found = []
        for item in self.items:
            whole = self.heard[item.path].duration if item.path in self.heard else 0.0
            if whole:
                found.append(max(0.0, (whole if item.stop is None else min(item.stop, whole)) - item.start))
        return found

    def _seconds(self) -> float:
        return sum(each.duration for each in self.heard.values())

    def _by_class(self) -> tuple[dict[str, float], dict[str, float]]:
        """Clips and seconds of each label; where annotators divide, each by its share of the votes."""
        clips: dict[str, float] = dict.fromkeys(self.task.labels, 0)
        seconds = dict.fromkeys(self.task.labels, 0.0)
        for item in self.items:
            whole = self.heard[item.path].duration if item.path in self.heard else 0.0
            stop = whole if item.stop is None else min(item.stop, whole)
            for label, share in item.shares.items():
                clips[label] += share
                seconds[label] += share * max(0.0, stop - item.start)
        return clips, seconds

    def _classes(self) -> list[str]:
        clips, seconds = self._by_class()
        width = max(len("class"), *map(len, self.task.labels), 0)
        digits = 1 if self.task.kind == "distribution" else 0
        rows = [f"  {label:<{width}}  {clips[label]:>6.{digits}f}  {_time(seconds[label]):>9}" for label in self.task.labels[:_MOST_ROWS]]
        left = len(self.task.labels) - _MOST_ROWS
        if rows:
            rows = ["", f"  {'class':<{width}}  {'clips':>6}  {'length':>9}", *rows]
        return [*rows, f"  … and {left} more classes"] if left > 0 else rows


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """One sound file, listened to.

    Args:
        heard: what was heard.
        findings: what is wrong with it.
        skipped: the file itself, where it cannot be used.
    """

    heard: Heard
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...] = ()

    def text(self) -> str:
        """What a person reads."""
        heard = self.heard
        if heard.error:
            return ""
        narrow = "" if heard.bandwidth >= NARROW * heard.sample_rate / 2 else ", which ends in a cliff: resampled or coded at a low rate"
        rows = [
            ("format", f"{heard.container}/{heard.codec}, decoded by {heard.decoder}"),
            ("rate", f"{heard.sample_rate} Hz"),
            ("channels", str(heard.channels)),
            ("length", f"{_time(heard.duration)}, {heard.frames} samples, counted"),
            ("level", f"{heard.rms_db:.1f} dB of full scale, peak {heard.peak:.4g}"),
            ("bandwidth", f"{heard.bandwidth / 1000:.1f} kHz{narrow}"),
            *(("warning", warning) for warning in heard.warnings),
        ]
        lines = [str(heard.path), *(f"  {key:<9} {value}" for key, value in rows)]
        return "\n".join([*lines, *(f"  {f.severity:<9} {f.sentence}" for f in self.findings)])

    def tree(self) -> dict[str, Any]:
        """Plain JSON values."""
        findings = [{"severity": f.severity, "sentence": f.sentence, "fix": f.fix} for f in self.findings]
        return {**sound(self.heard), "error": self.heard.error, "findings": findings}


def sound(heard: Heard) -> dict[str, Any]:
    """One file as plain JSON values.

    Args:
        heard: what was heard.

    Returns:
        Everything but the fingerprint.
    """
    return {
        "path": str(heard.path),
        "container": heard.container,
        "codec": heard.codec,
        "decoder": heard.decoder,
        "sample_rate": heard.sample_rate,
        "channels": heard.channels,
        "frames": heard.frames,
        "seconds": heard.duration,
        "peak": heard.peak,
        "rms_db": heard.rms_db,
        "offset": heard.offset,
        "clipped": heard.clipped,
        "bandwidth": heard.bandwidth,
        "warnings": list(heard.warnings),
    }


def _number(count: float) -> float:
    """Whole clips as whole numbers."""
    return int(count) if count == int(count) else round(count, 6)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _told(found: Finding, root: Path) -> list[str]:
    lines = [f"  {found.severity}: {found.sentence}"]
    lines += [f"      {_within(path, root)}" for path in found.paths[:_MOST_PATHS]]
    if len(found.paths) > _MOST_PATHS:
        lines.append(f"      … and {len(found.paths) - _MOST_PATHS} more (--json lists all)")
    return [*lines, f"    fix: {found.fix}"] if found.fix else lines


def _within(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path


def _top(path: Path, root: Path) -> str:
    parts = _within(path, root).parts
    return f"{parts[0]}/" if len(parts) > 1 else "./"


def _counts(found: Counter[str]) -> str:
    """Such as "44100 Hz (400)", the most frequent first; nothing where there is nothing."""
    told = [f"{name} ({count})" for name, count in found.most_common(6)]
    return ", ".join(told) + (f", … {len(found) - 6} more" if len(found) > 6 else "")


def _groups(items: Sequence[Item]) -> str:
    found = Counter(item.group for item in items if item.group)
    return f"{len(found)}, of {min(found.values())} to {counted(max(found.values()), 'clip')}" if found else ""


def _spread(durations: list[float]) -> str:
    ordered = sorted(durations)
    return f"{ordered[0]:.2f} to {ordered[-1]:.2f} s, half of them below {ordered[len(ordered) // 2]:.2f} s" if ordered else ""


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.2f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.2f} h"
