"""One self-contained page about a run, to be read, listened to and sent to someone.

Everything is inside the file: sounds, pictures, style and script. Nothing is loaded from anywhere, which the page itself forbids
by its content security policy; whatever comes from file names and labels is escaped. It reads without JavaScript, too.
"""

from __future__ import annotations

import base64
import hashlib
import math
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from auricle.errors import AuricleError, MissingExtraError
from auricle.metrics._mistakes import most_confident_mistakes
from auricle.reports import _drawings, _words
from auricle.reports._excerpt import Excerpt, excerpt
from auricle.reports._matrix import matrix
from auricle.reports._run import Answer, Run, read_run

_MISTAKES = 12
_SKIPPED = 200


@dataclass(frozen=True, slots=True)
class Heard:
    """One confident mistake to listen to.

    Args:
        answer: the clip.
        row: its place in the run's answers.
        truth: what is true of it.
        prediction: what was named instead.
        score: probability of that.
        others: the likeliest labels with their probabilities.
        excerpt: sound and picture, or None where the file cannot be read any more.
        fault: why it cannot.
    """

    answer: Answer
    row: int
    truth: str
    prediction: str
    score: float
    others: tuple[tuple[str, float], ...]
    excerpt: Excerpt | None
    fault: str


def write_report(run: Path) -> Path:
    """The page `report.html` in a run's folder, from the other files there.

    Args:
        run: the folder, with metrics.json and predictions.csv at least.

    Returns:
        The page; it is there whole or not at all.

    Raises:
        DataError: a file of the run is missing or not what it should be.
        MissingExtraError: jinja2 is not installed.
    """
    page = render(read_run(run))
    path = run / "report.html"
    part = path.with_name("report.html.part")
    part.write_text(page, encoding="utf-8")
    part.replace(path)
    return path


def render(run: Run) -> str:
    """The page as text.

    Args:
        run: read from its folder.

    Returns:
        HTML.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as absent:
        raise MissingExtraError("the report", "train") from absent
    environment = Environment(
        loader=PackageLoader("auricle", "reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script, style = _part("page.js"), _part("page.css")
    environment.filters.update(percent=_percent, moment=_moment)
    return environment.get_template("page.html.jinja").render(
        script=script,
        style=style,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **_context(run),
    )


def _context(run: Run) -> dict[str, Any]:
    said = run.metrics.get("protocol", {})
    heard = mistakes(run)
    wrong, total = _wrong(run), len(run.answers)
    return {
        "dataset": str(said.get("dataset") or run.folder.name),
        "run": run,
        "kind": run.task.kind,
        "date": said.get("date", ""),
        "figures": _words.figures(run),
        "protocol": _words.protocol(run),
        "counted": _words.counted,
        "total": total,
        "wrong": wrong,
        "matrix": matrix(run),
        "heard": heard,
        "listen": {each.row: place for place, each in enumerate(heard, start=1) if each.excerpt},
        "per_class": run.metrics.get("per_class", []),
        "plots": _plots(run),
        "calibration": run.metrics.get("calibration") or {},
        "reliability": _drawings.reliability(
            (run.metrics.get("calibration") or {}).get("bins", []), label="Share of right answers against the probability given to them"
        ),
        "skipped": run.skipped[:_SKIPPED],
        "recipe": _words.toml(run.recipe),
        "environment": [(k, _flat(v)) for k, v in run.environment.items()],
    }


def mistakes(run: Run, n: int = _MISTAKES) -> tuple[Heard, ...]:
    """The mistakes the model was surest of, with sound and picture.

    Args:
        run: read from its folder.
        n: how many at most.

    Returns:
        The surest first; a file that is gone keeps its place, with the reason.
    """
    probabilities, truth = run.arrays()
    found = []
    for each in most_confident_mistakes(run.task, probabilities, truth, n):
        answer = run.answers[each.row]
        ranked = sorted(zip(run.task.labels, answer.probabilities, strict=True), key=lambda pair: -pair[1])[:3]
        sound, fault = None, ""
        try:
            sound = excerpt(answer.path, start=answer.start, stop=answer.stop)
        except (AuricleError, OSError) as gone:
            fault = str(gone).replace(answer.path, answer.name)
        found.append(Heard(answer, each.row, each.truth, each.prediction, each.score, tuple(ranked), sound, fault))
    return tuple(found)


def _wrong(run: Run) -> int:
    return sum(answer.wrong for answer in run.answers)


def _plots(run: Run) -> list[dict[str, Any]]:
    log = run.log
    epochs = log.get("epoch", ())
    losses = {name: log[f"{name}_loss"] for name in ("train", "dev") if _drawn(log.get(f"{name}_loss"))}
    plots = [{"title": "Loss", "lines": list(losses), "svg": _drawings.curves(losses, epochs=epochs, unit="", label="Loss over epochs")}]
    if _drawn(log.get("dev_accuracy")):
        shares = {"dev": [100 * v for v in log["dev_accuracy"]]}
        drawn = _drawings.curves(shares, epochs=epochs, unit="%", label="Accuracy on the development group over epochs")
        plots.append({"title": "Accuracy", "lines": ["dev"], "svg": drawn})
    return [plot for plot in plots if plot["svg"]]


def _drawn(values: tuple[float, ...] | None) -> bool:
    return any(math.isfinite(v) for v in values or ())


def _part(name: str) -> str:
    return (files("auricle.reports") / name).read_text(encoding="utf-8")


def _percent(share: float, decimals: int = 0) -> str:
    return f"{100 * share:.{decimals}f} %"


def _moment(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}" if minutes else f"{rest:.1f} s"


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
