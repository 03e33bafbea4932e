"""The table of a study: how figures, costs and failures of its rows are worked out and written down."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from auricle.metrics._scores import Score
    from auricle.metrics._seeds import Repeated
    from auricle.recipe import Recipe
    from auricle.studies import Row, Study
    from auricle.verbs._study_runs import Costs, Run

_TITLES = {"accuracy": "accuracy", "balanced_accuracy": "UAR", "macro_f1": "macro F1"}
_GAIN = "balanced_accuracy"
_BACKBONES = {True: "ImageNet, from the library's hub", False: ""}


@dataclass(frozen=True, slots=True)
class Line:
    """One row and what came of it.

    Args:
        row: as the study has it.
        recipe: as the study makes it, of any seed.
        runs: one a seed; none where the row could not be trained.
        costs: of its network; None where it could not be trained.
        told: why it could not.
    """

    row: Row
    recipe: Recipe
    runs: tuple[Run, ...]
    costs: Costs | None
    told: str

    @property
    def begins(self) -> str:
        """What its network knew before: the last part of a path, since the rest is this machine's."""
        args = self.recipe.model.args
        source = self.recipe.transfer.weights or args.get("pretrained") or args.get("source") or ""
        return Path(source).name if isinstance(source, str) and source else _BACKBONES[bool(source)] or "random"

    @property
    def notes(self) -> str:
        """What else is to be known of it."""
        said = [self.told, self.costs.note if self.costs else ""]
        if self.row.teacher:
            said.append(f"taught by {self.row.teacher}")
        if self.recipe.transfer.target_domain == "{test}":
            said.append("hears the clips that judge it, without their labels")
        return "; ".join(each for each in said if each)


@dataclass(frozen=True, slots=True)
class Table:
    """One corpus.

    Args:
        study: whose.
        corpus: its name.
        heading: sentences that say what was done and what the columns mean.
        lines: the rows.
        figures: of each row that was trained, by the metric's name.
        latency: milliseconds of each row that was exported.
        first: name of the row that others are compared with.
    """

    study: Study
    corpus: str
    heading: tuple[str, ...]
    lines: tuple[Line, ...]
    figures: dict[str, dict[str, Repeated]]
    latency: dict[str, float]
    first: str

    def tree(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"study": self.study.name, "corpus": self.corpus, "heading": list(self.heading), "rows": self.cells()}

    def cells(self) -> list[dict[str, str]]:
        """One row of table.csv for each row, all columns in all of them."""
        found = []
        for line in self.lines:
            figures = self.figures.get(line.row.name, {})
            cells = {"study": self.study.name, "corpus": self.corpus, "row": line.row.name, "begins_from": line.begins}
            cells["seeds"] = str(len(line.runs))
            for name in _TITLES:
                cells |= _interval(name, figures[name].score if figures else None)
            cells["uar_of_each_seed"] = " ".join(f"{value:.4f}" for value in figures[_GAIN].seeds) if figures else ""
            compared = figures and line.row.name != self.first
            cells |= _interval("uar_gain", figures[_GAIN].above(self.figures[self.first][_GAIN]) if compared else None)
            cells |= {"compared_with": self.first if compared else ""}
            cells["seconds_a_fold"] = f"{median(s for run in line.runs for s in run.seconds):.1f}" if line.runs else ""
            cells["trainable"] = str(line.costs.trainable) if line.costs else ""
            cells["parameters"] = str(line.costs.parameters) if line.costs else ""
            cells["latency_ms"] = f"{self.latency[line.row.name]:.2f}" if line.row.name in self.latency else ""
            cells["selection"] = line.runs[0].protocol["selection"] if line.runs else ""
            cells["notes"] = line.notes
            found.append(cells)
        return found


def table(study: Study, lines: Sequence[Line], *, corpus: str, overrides: tuple[str, ...] = ()) -> Table:
    """The figures of a study on one corpus.

    Args:
        study: what was asked.
        lines: its rows, at least one of them trained or none.
        corpus: its name.
        overrides: of the person who ran it, told in the heading.

    Returns:
        The table.
    """
    import numpy as np

    from auricle.metrics._seeds import repeated
    from auricle.verbs._study_latency import latencies

    trained = [line for line in lines if line.runs]
    if not trained:
        return Table(study, corpus, (study.question, "No row could be trained."), tuple(lines), {}, {}, "")
    one = trained[0].runs[0]
    place = {label: k for k, label in enumerate(one.labels)}
    truth = np.array([place[label] for _, _, _, label, _ in one.clips])
    figures = {}
    for line in trained:
        named = [np.array([place[label] for label in run.named]) for run in line.runs]
        figures[line.row.name] = repeated(named, truth, one.groups, classes=len(place))
    files = {line.row.name: line.costs.exported for line in trained if line.costs and not line.costs.note}
    spent, seconds = latencies(list(files.values()), one.clips)
    heading = _heading(study, one, seconds=seconds, overrides=overrides)
    latency = {name: spent[file] for name, file in files.items()}
    return Table(study, corpus, heading, tuple(lines), figures, latency, trained[0].row.name)


def write(folder: Path, tables: Sequence[Table]) -> None:
    """All tables as table.csv and table.md.

    Args:
        folder: of the study; made.
        tables: one a corpus.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cells = [row for each in tables for row in each.cells()]
    with (folder / "table.csv").open("w", encoding="utf-8", newline="") as file:
        written = csv.DictWriter(file, list(cells[0]), lineterminator="\n")
        written.writeheader()
        written.writerows(cells)
    parts = [f"# {tables[0].study.title}"]
    for each in tables:
        head, *rows = ([cell.replace("|", "\\|") for cell in line] for line in _shown(each))
        lines = [head, ["---"] * len(head), *rows]
        parts += [f"## {each.corpus}", *each.heading, "\n".join(f"| {' | '.join(line)} |" for line in lines), *_notes(each)]
    (folder / "table.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def drawn(table: Table) -> str:
    """One table for the terminal.

    Args:
        table: to draw.

    Returns:
        Its text.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawn

    head, *rows = _shown(table)
    grid = Drawn(title=f"{table.study.title}: {table.corpus}", box=box.SIMPLE_HEAD, title_justify="left")
    for number, title in enumerate(head):
        grid.add_column(title, justify="left" if number < 2 else "right", overflow="fold")
    for row in rows:
        grid.add_row(*(cell.replace(" (", "\n").replace(" to ", "…").rstrip(")") for cell in row))
    console = Console(file=io.StringIO(), width=max(160, Console().width), no_color=True, highlight=False, markup=False)
    console.print(grid)
    for sentence in (*_notes(table), *table.heading):
        console.print(sentence)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().strip("\n").splitlines())


def _shown(table: Table) -> list[list[str]]:
    """The cells that a person reads, the head first."""
    gain = f"UAR against {table.first}" if table.first else "UAR gained"
    head = [
        "row",
        "begins from",
        "seeds",
        *_TITLES.values(),
        gain,
        "s a fold",
        "trained",
        "parameters",
        "ms a clip",
    ]
    rows = []
    for cells in table.cells():
        figures = [_bracketed(cells, name) for name in (*_TITLES, "uar_gain")]
        counts = [f"{int(cells[key]):,}" if cells[key] else "–" for key in ("trainable", "parameters")]
        costs = [cells["seconds_a_fold"] or "–", *counts, cells["latency_ms"] or "–"]
        rows.append([cells["row"], cells["begins_from"], cells["seeds"], *figures, *costs])
    return [head, *rows]


def _notes(table: Table) -> list[str]:
    """A sentence for each row of which more is to be known."""
    return [f"{line.row.name}: {line.notes}." for line in table.lines if line.notes]


def _bracketed(cells: dict[str, str], name: str) -> str:
    if not cells[name]:
        return "–"
    places = "+.3f" if name == "uar_gain" else ".3f"
    value, low, high = (format(float(cells[key]), places) for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value} ({low} to {high})"


def _interval(name: str, score: Score | None) -> dict[str, str]:
    values = (score.value, score.low, score.high) if score else ("", "", "")
    keys = (name, f"{name}_low", f"{name}_high")
    return {key: f"{value:.4f}" if score else "" for key, value in zip(keys, values, strict=True)}


def _heading(study: Study, one: Run, *, seconds: float, overrides: tuple[str, ...]) -> tuple[str, ...]:
    from auricle.learning.record import recorded

    protocol, machine = one.protocol, recorded(one.folder / "environment.json")
    judged = f"{protocol['dataset']}: {protocol['test_clips']} clips of {protocol['test_groups']} groups judged"
    changed = f" All rows with {', '.join(overrides)}, which the study itself does not set." if overrides else ""
    return (
        study.question,
        f"{judged}. {protocol['rule']} Weights that judge, in all rows: {protocol['selection']}.{changed}",
        "Figures are means over the seeds, each seed's answers pooled over all folds. In brackets 95 % intervals of that mean: groups "
        "(speakers, recordings; single clips where none are known) are drawn with replacement 1000 times, each with its clips' answers "
        "under every seed, and the percentiles are widened for few groups. They tell how the mean over these seeds changes with other "
        "groups, not with other seeds; table.csv has the UAR of each seed. Differences are taken within each draw, so that their "
        "intervals are narrower than two rows' side by side.",
        "Seconds: median over folds and seeds of a fold's training. Trained, parameters: of the network with front end and head. "
        f"Milliseconds: median of the exported file on one thread for a clip of {seconds:.2f} s, rows measured in turns. "
        f"{datetime.now(UTC).date().isoformat()}, {machine['processor'] or machine['machine']}, {machine['threads']} threads.",
    )
