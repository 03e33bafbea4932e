"""How predictions are written down: text, CSV, JSONL, Audacity labels, Raven selection tables; and how a cut-off file is gone on with."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from auricle.errors import RequestError
from auricle.types import Decision, Seconds

Format = Literal["text", "csv", "jsonl", "audacity", "raven"]
CSV_HEADER = "path,start,stop,label,score\n"
_RAVEN = ("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)", "Annotation", "Score")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one file.

    Args:
        path: the file.
        decisions: what holds, or what holds when.
        probabilities: each label's, most probable first; empty for timelines.
        duration: seconds that were heard; 0 for timelines.
        warnings: one sentence for each thing that was repaired.
        format: how `text` writes it.
        nyquist: half the model's sample rate, Hz: the upper edge of a Raven selection.
    """

    path: Path
    decisions: tuple[Decision, ...]
    probabilities: dict[str, float]
    duration: Seconds
    warnings: tuple[str, ...]
    format: Format
    nyquist: float

    def text(self) -> str:
        """In the wanted format, without a header for CSV."""
        return {"text": self._plain, "csv": self._csv, "jsonl": self._jsonl, "audacity": self._audacity, "raven": self._raven}[
            self.format
        ]()

    def tree(self) -> dict[str, Any]:
        """Plain JSON values."""
        decisions = [
            {"label": d.label, "score": round(d.score, 6), "start": round(d.start, 4), "stop": round(d.stop, 4)} for d in self.decisions
        ]
        found: dict[str, Any] = {"path": str(self.path), "decisions": decisions}
        if self.probabilities:
            found["probabilities"] = {k: round(v, 6) for k, v in self.probabilities.items()}
            found["duration"] = round(self.duration, 4)
        return {**found, "warnings": list(self.warnings)}

    def _plain(self) -> str:
        name = escaped(self.path)
        if not self.decisions:
            return f"{name}\t-\n"
        if self.probabilities:
            return "\t".join([name, *(f"{d.label} {d.score:.3f}" for d in self.decisions)]) + "\n"
        return "".join(f"{name}\t{d.start:.2f}\t{d.stop:.2f}\t{d.label} {d.score:.3f}\n" for d in self.decisions)

    def _csv(self) -> str:
        to = io.StringIO()
        table = csv.writer(to, lineterminator="\n")
        # A file in which nothing was found has a row too: it was heard.
        rows = [(f"{d.start:.3f}", f"{d.stop:.3f}", d.label, f"{d.score:.4f}") for d in self.decisions] or [("", "", "", "")]
        table.writerows((str(self.path), *row) for row in rows)
        return to.getvalue()

    def _jsonl(self) -> str:
        return json.dumps(self.tree(), ensure_ascii=False) + "\n"

    def _audacity(self) -> str:
        return "".join(f"{d.start:.6f}\t{d.stop:.6f}\t{d.label}\n" for d in self.decisions)

    def _raven(self) -> str:
        rows = [
            (i, "Spectrogram 1", 1, f"{d.start:.6f}", f"{d.stop:.6f}", 0, f"{self.nyquist:g}", d.label, f"{d.score:.4f}")
            for i, d in enumerate(self.decisions, start=1)
        ]
        return "".join("\t".join(map(str, row)) + "\n" for row in (_RAVEN, *rows))


def escaped(path: Path) -> str:
    """A path on one line and in one column of the text format."""
    return str(path).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n") if set("\t\n") & set(str(path)) else str(path)


def repair(out: Path, form: Format) -> set[str]:
    """Cut an interrupted output back to what is surely whole.

    The last file's rows may be incomplete, and so may the last line: both are cut off, and that file is predicted again.

    Args:
        out: the output; it is shortened in place.
        form: its format: text, csv or jsonl.

    Returns:
        The paths whose rows are complete, as the format writes them (`escaped` in text).

    Raises:
        RequestError: the file is not of this format.
    """
    if not out.is_file():
        return set()
    keys: list[tuple[int, str]] = []
    try:
        with out.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            keys = list(_records(file, form))
    except (csv.Error, KeyError, TypeError, json.JSONDecodeError) as wrong:
        raise RequestError(f"{out} is not a {form} output of predict: {wrong}", hint="give another --out") from wrong
    last = keys[-1][1] if keys else ""
    begin = min((at for at, key in keys if key == last), default=0)
    with out.open("r+b") as raw:
        raw.truncate(begin)
    return {key for at, key in keys if at < begin}


def _records(file: io.TextIOBase | Any, form: Format) -> Iterator[tuple[int, str]]:
    """Byte offset and path of each whole record; what follows the last line's end is left out."""
    at = 0
    pending, begin = "", 0
    for line in file:
        if not pending:
            begin = at
        at += len(line.encode("utf-8", errors="surrogateescape"))
        pending += line
        if not line.endswith("\n"):
            return
        if form == "csv" and pending.count('"') % 2:
            continue  # a quoted path goes on in the next line
        record, pending = pending, ""
        if form == "csv" and begin == 0:
            if record != CSV_HEADER:
                raise csv.Error(f"its first line is {record.strip()[:60]!r}")
            continue
        yield begin, _key(record, form)


def _key(record: str, form: Format) -> str:
    if form == "jsonl":
        return str(json.loads(record)["path"])
    if form == "csv":
        return next(csv.reader([record]))[0] if "\n" not in record[:-1] else next(csv.reader(io.StringIO(record, newline="")))[0]
    return record.rstrip("\n").split("\t")[0]
