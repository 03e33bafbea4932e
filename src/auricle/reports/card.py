"""The model card: what a model is, what it was measured by, what it cannot do and how it is run, as Markdown beside the run."""

from __future__ import annotations

import re
from pathlib import Path

from auricle.reports import _words
from auricle.reports._matrix import matrix
from auricle.reports._run import Run, read_run

_WEAKEST = 3


def write_card(run: Path) -> Path:
    """`MODEL_CARD.md` in a run's folder, from the other files there.

    Args:
        run: the folder, with metrics.json and predictions.csv at least.

    Returns:
        The card; it is there whole or not at all.

    Raises:
        DataError: a file of the run is missing or not what it should be.
    """
    path = run / "MODEL_CARD.md"
    part = path.with_name("MODEL_CARD.md.part")
    part.write_text(card(read_run(run)), encoding="utf-8")
    part.replace(path)
    return path


def card(run: Run) -> str:
    """The card as text.

    Args:
        run: read from its folder.

    Returns:
        Markdown.
    """
    said = run.metrics.get("protocol", {})
    dataset = _plain(said.get("dataset") or run.folder.name)
    parts = [
        f"# {dataset}: {len(run.task.labels)} classes",
        _what(run, dataset),
        _scores(run),
        _measured(run),
        _data(run),
        _limits(run),
        _use(),
        f"Made by auricle{' on ' + _plain(said['date']) if said.get('date') else ''}.",
    ]
    return "\n\n".join(p for p in parts if p) + "\n"


def _what(run: Run, dataset: str) -> str:
    labels = ", ".join(_plain(label) for label in run.task.labels)
    told = {
        "single": f"It names one of {len(run.task.labels)} classes",
        "distribution": f"It says how annotators would divide over {len(run.task.labels)} classes",
    }.get(run.task.kind, f"It says which of {len(run.task.labels)} classes hold")
    sections = [run.recipe[k] for k in ("frontend", "model", "head") if isinstance(run.recipe.get(k), dict)]
    stages = [str(s["name"]) if "name" in s else " + ".join(str(each["name"]) for each in s.values()) for s in sections]
    rate = f" at {run.recipe['sample_rate']:,} samples a second" if run.recipe.get("sample_rate") else ""
    built = f"Built as {' → '.join(map(_plain, stages))}{rate}." if stages else ""
    return " ".join(filter(None, [f"A sound classifier trained on {dataset}. {told}: {labels}.", built]))


def _scores(run: Run) -> str:
    rows = [f"| {f.name} | {f.value} | {f.interval or '–'} |" for f in _words.figures(run)]
    return "\n".join(["## Scores", "", "| figure | value | 95 % interval |", "|---|---|---|", *rows])


def _measured(run: Run) -> str:
    about = ("Licence of the data", "Citation")
    lines = [f"* **{heading}.** {_plain(text)}" for heading, text in _words.protocol(run) if heading not in about]
    error = run.metrics.get("calibration") or {}
    if "ece_after" in error:
        fitted = "none fitted" if error["temperature"] == 1 else f"{error['temperature']:.2f}, fitted on the development group"
        lines.append(
            f"* **Calibration.** Temperature: {fitted}; expected calibration error "
            f"{100 * error['ece_before']:.1f} % before, {100 * error['ece_after']:.1f} % after."
        )
    return "\n".join(["## How this was measured", "", *lines])


def _data(run: Run) -> str:
    said = run.metrics.get("protocol", {})
    named = [("Dataset", "dataset"), ("Licence", "license"), ("Citation", "citation"), ("Source", "source")]
    lines = [f"* **{heading}.** {_plain(said[key])}" for heading, key in named if said.get(key)]
    if begun := said.get("transfer"):
        more = ", ".join(_plain(begun[key]) for key in ("license", "source", "citation") if begun.get(key))
        lines.append(f"* **Begins with.** {_plain(begun['weights'])}" + (f" ({more})" if more else ""))
    if run.skipped:
        lines.append(f"* {_words.counted(len(run.skipped), 'file')} could not be used; skipped.csv says why.")
    return "\n".join(["## Data", "", *lines]) if lines else ""


def _limits(run: Run) -> str:
    lines = ["* It was measured on sound like its training data. Other microphones, rooms, voices or distances can do much worse."]
    if run.task.kind in ("single", "distribution"):
        lines.append("* It always names one of its classes, also for a sound that is none of them; a low probability is the only sign.")
    tested = [c for c in run.metrics.get("per_class", []) if c["support"]]
    weakest = [c for c in sorted(tested, key=lambda c: c["recall"])[:_WEAKEST] if c["recall"] < 1]
    if weakest:
        each = ", ".join(f"{_plain(c['label'])} ({100 * c['recall']:.0f} % of {c['support']})" for c in weakest)
        lines.append(f"* Recognised worst: {each}.")
    table = matrix(run)
    if table and table.confused:
        each = ", ".join(f"{_plain(c.truth)} named {_plain(c.named)} ({c.count})" for c in table.confused[:_WEAKEST])
        lines.append(f"* Confused most: {each}.")
    absent = [_plain(c["label"]) for c in run.metrics.get("per_class", []) if not c["support"]]
    if absent:
        lines.append(f"* Never tested, as the test holds no clip of it: {', '.join(absent)}.")
    if run.metrics.get("interval", {}).get("unit") == "clip":
        lines.append("* The intervals take clips for independent. Where several come from one speaker or recording, they are too narrow.")
    return "\n".join(["## Limits", "", *lines])


def _use() -> str:
    commands = ["auricle verify model.onnx         # the same answers on this machine", "auricle predict model.onnx clip.wav"]
    commands.append("auricle listen model.onnx         # live, from the microphone")
    python = ["import auricle", "", 'model = auricle.load("model.onnx")', 'print(model.predict("clip.wav"))']
    return "\n".join(["## Use", "", "```sh", *commands, "```", "", "```python", *python, "```"])


def _plain(text: object) -> str:
    """Text that Markdown prints as it stands, on one line; an address stays one."""
    one = " ".join(str(text).split())
    if re.fullmatch(r"https?://[\w./~%?=&:+#@-]+", one):
        return f"<{one}>"
    return re.sub(r"([\\`*\[\]<>|]|(?<!\w)_|_(?!\w))", r"\\\1", one)
