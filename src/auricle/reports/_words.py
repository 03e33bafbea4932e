"""Figures and protocols in plain words, the same in the report and on the model card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from auricle import catalog
from auricle.reports._run import Run

_FIRST = {
    "distribution": (
        "jensen_shannon",
        "cross_entropy",
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "area_under_curve",
        "calibration_error",
    ),
    "single": ("accuracy", "balanced_accuracy", "macro_f1", "area_under_curve", "calibration_error"),
    "multi": ("mean_average_precision", "macro_f1", "area_under_curve", "d_prime", "mean_d_prime", "equal_error_rate", "calibration_error"),
}

_UNITS = {"cross_entropy": "nat", "jensen_shannon": "bit"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as it is printed.

    Args:
        name: in words.
        value: with its unit.
        interval: low to high with the unit, or "" where there is none.
        about: what it is, in one line.
        low: 0 to 1, where the interval begins on a scale from 0 to 1; -1 where the figure has no such scale.
        high: 0 to 1, where it ends.
        at: 0 to 1, the figure itself.
        chance: 0 to 1, what a model without ears would reach; -1 where that says nothing.
    """

    name: str
    value: str
    interval: str
    about: str
    low: float
    high: float
    at: float
    chance: float


def figures(run: Run) -> tuple[Figure, ...]:
    """The figures of a run, the ones people ask for first.

    Args:
        run: read from its folder.

    Returns:
        All that metrics.json holds and that are defined.
    """
    scores: dict[str, Any] = run.metrics.get("scores", {})
    known = [name for name in _FIRST.get(run.task.kind, ()) if name in scores]
    order = known + [name for name in scores if name not in known]
    chance = _chance(run)
    return tuple(_figure(name, scores[name], chance.get(name, -1.0)) for name in order if scores[name].get("value") is not None)


def protocol(run: Run) -> tuple[tuple[str, str], ...]:
    """How the figures came about, as short headed sentences.

    Args:
        run: read from its folder.

    Returns:
        Heading and sentence each; only what the run says.
    """
    said: dict[str, Any] = run.metrics.get("protocol", {})
    interval: dict[str, Any] = run.metrics.get("interval", {})
    clips, groups = said.get("test_clips", len(run.answers)), said.get("test_groups", 0)
    unit = said.get("unit", "clip")
    among = f" from {counted(groups, 'group')}" if groups else ""
    tested = f"{counted(clips, unit)}{among}."
    training = said.get("train_clips")
    found = [
        ("Tested on", tested + (f" Trained on {counted(training, 'clip')}." if training else "")),
        ("Labels", _decided(run)),
        ("Split", " ".join(filter(None, [_sentence(said.get("rule")), f"Digest {said['digest']}." if said.get("digest") else ""]))),
        ("Weights kept", _sentence(said.get("selection"))),
        ("Intervals", _sentence(f"95 %, {interval['note']}" if interval.get("note") else "95 %, by bootstrap")),
        ("Date and seed", ", ".join(filter(None, [str(said.get("date") or ""), f"seed {said['seed']}" if "seed" in said else ""]))),
        ("Licence of the data", str(said.get("license") or "")),
        ("Citation", str(said.get("citation") or "")),
    ]
    return tuple((heading, text) for heading, text in found if text)


def _decided(run: Run) -> str:
    """Which clips the figures over labels are of, where annotators divide."""
    said: dict[str, Any] = run.metrics.get("protocol", {})
    if "decided_clips" not in said:
        return ""
    of = f"{said['decided_clips']:,} of {counted(said['test_clips'], 'clip')}"
    return f"Divergence, cross entropy and calibration are of all clips; what names a label is of the {of} with one most voted label."


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural where it has to be.

    Args:
        number: how many.
        noun: in the singular.

    Returns:
        Both.

    >>> counted(1, "clip"), counted(3200, "group")
    ('1 clip', '3,200 groups')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def toml(tree: dict[str, Any]) -> str:
    """A recipe's plain values as the TOML a person would write.

    Args:
        tree: of recipe.json.

    Returns:
        TOML text; plain keys first, then the sections.
    """
    plain = [f"{key} = {_toml(value)}" for key, value in tree.items() if not _section(value) and value is not None]
    parts = ["\n".join(plain)]
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            parts.append(_body(f"[{key}]", value))
        elif _section(value) and isinstance(value, list):
            parts += [_body(f"[[{key}]]", each) for each in value]
    return "\n\n".join(p for p in parts if p)


def _body(head: str, section: dict[str, Any]) -> str:
    return "\n".join([head, *(f"{key} = {_toml(value)}" for key, value in section.items() if value is not None)])


def _section(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value))


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(str(k), ensure_ascii=False)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _figure(name: str, score: dict[str, Any], chance: float) -> Figure:
    value, low, high = score["value"], score.get("low"), score.get("high")
    scaled = "d_prime" not in name and name not in _UNITS and 0 <= value <= 1
    words = name.replace("_", " ").replace("d prime", "d′").replace("f1", "F1").replace("jensen shannon", "Jensen-Shannon divergence")
    return Figure(
        name=words[0].upper() + words[1:] if not words.startswith("d′") else words,
        value=_number(name, value),
        interval="" if low is None or high is None else f"{_number(name, low, bare=True)} to {_number(name, high)}",
        about=_about(name),
        low=low if scaled and low is not None else -1.0,
        high=high if scaled and high is not None else -1.0,
        at=value if scaled else -1.0,
        chance=chance,
    )


def _number(name: str, value: float, *, bare: bool = False) -> str:
    if "d_prime" in name:
        return f"{value:.2f}"
    if name in _UNITS:
        return f"{value:.3f}" + ("" if bare else f" {_UNITS[name]}")
    if "area" in name:
        return f"{value:.3f}"
    return f"{100 * value:.1f}" + ("" if bare else " %")


def _about(name: str) -> str:
    if name == "mean_d_prime":
        return "Mean of the classes' own d′."
    if name not in catalog.names("metrics"):
        return ""
    return catalog.summary("metrics", name)


def _chance(run: Run) -> dict[str, float]:
    """What naming the commonest class always, or tossing a coin, would reach."""
    support = [c.get("support", 0) for c in run.metrics.get("per_class", [])]
    if run.task.kind == "multi" or not sum(support):
        return {"area_under_curve": 0.5}
    return {"accuracy": max(support) / sum(support), "balanced_accuracy": 1 / sum(s > 0 for s in support), "area_under_curve": 0.5}


def _sentence(text: object) -> str:
    words = str(text or "").strip()
    return words if not words or words[-1] in ".!?" else words + "."
