"""Compare ways of training under one protocol: each row under several seeds through all folds, in one table with intervals."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle.errors import AuricleError, RequestError
from auricle.verbs.show import Shown, show

if TYPE_CHECKING:
    from auricle.studies import Row, Study
    from auricle.verbs._study_runs import Costs, Run
    from auricle.verbs._study_table import Line, Table


@dataclass(frozen=True, slots=True)
class Studied:
    """A study's tables.

    Args:
        folder: with table.csv, table.md and a folder for each corpus.
        tables: one a corpus.
    """

    folder: Path
    tables: tuple[Table, ...]

    @property
    def exit_code(self) -> int:
        """3 where a row could not be had, 1 where none could."""
        lines = [line for table in self.tables for line in table.lines]
        failed = sum(not line.runs for line in lines)
        return 0 if not failed else 1 if failed == len(lines) else 3

    def text(self) -> str:
        """The tables, and where they are."""
        from auricle.verbs._study_table import drawn

        return "\n\n".join([*map(drawn, self.tables), f"written to {self.folder / 'table.md'}"])

    def tree(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"folder": str(self.folder), "tables": [table.tree() for table in self.tables]}


def study(
    name: str = "",
    *,
    data: tuple[str, ...] = (),
    rows: str = "",
    seeds: int = 0,
    set_: tuple[str, ...] = (),
    out: Path | None = None,
) -> Studied | Shown:
    """Compare ways of training: accuracy, UAR and macro F1 with intervals, training time, parameters and latency, row by row.

    Without a name the shipped studies are listed; `auricle show studies NAME > mine.toml` is how one is customised. What is trained already
    is not trained again: the same command goes on where it stood, other --rows and more --seeds add to it. A row that can't be trained,
    such as one whose weights are not here, is told in the table, and the others go on.

    Args:
        name: a study by name (`auricle show studies`) or a .toml.
        data: a corpus, folder or table to study in place of the study's own; may be repeated.
        rows: names of the rows to train, with commas between; left out, all. Teachers come along.
        seeds: how many; 0 takes the study's own number.
        set_: a setting to override in all rows alike, such as train.epochs=1; may be repeated.
        out: folder of the study; left out, runs/study/<name>.

    Returns:
        The tables.

    Raises:
        RequestError: no such study, row or corpus, or settings that no recipe has or that belong to the protocol.
        KeyboardInterrupt: its text says how to go on.
    """
    if not name:
        return show("studies")
    from auricle import studies
    from auricle.verbs import _study_runs as runs
    from auricle.verbs import _study_table as tables

    chosen = studies.read(name).picked(rows)
    if seeds < 0:
        raise RequestError(f"--seeds is {seeds}; wanted a number of seeds, or 0 for the study's own")
    for row in chosen.row:  # what is misspelt is told before anything is trained
        runs.recipe_of(chosen, row, chosen.settings(row, 0, set_))
    folder = out or Path("runs") / "study" / chosen.name
    made = []
    for corpus, place in _places(data or chosen.corpora, folder).items():
        found = _Corpus(chosen, corpus, place, set_)
        for seed in range(seeds or chosen.seeds):
            for number, row in enumerate(chosen.row, start=1):
                sys.stderr.write(f"{Path(corpus).stem}, seed {seed}: row {number} of {len(chosen.row)}, {row.name}\n")
                found.train(row, seed)
        made.append(tables.table(chosen, found.lines(), corpus=place.name, overrides=set_))
    tables.write(folder, made)
    return Studied(folder, tuple(made))


class _Corpus:
    """The rows of a study on one corpus, as far as they are trained."""

    def __init__(self, study: Study, data: str, place: Path, more: tuple[str, ...]) -> None:
        self.study, self.data, self.place, self.more = study, data, place, more
        self._runs: dict[str, dict[int, Run]] = {row.name: {} for row in study.row}
        self._costs: dict[str, Costs] = {}
        self._told: dict[str, str] = {}

    def train(self, row: Row, seed: int) -> None:
        """Train a row, unless it failed under an earlier seed; what keeps it from being trained is kept in mind."""
        from auricle.verbs import _study_runs as runs

        if row.name in self._told:
            return
        try:
            settings = self._settings(row, seed)
            place = runs.train(self.study, row, settings, data=self.data, above=self.place / row.folder, seed=seed)
            done = runs.opened(place)
            for other, first in self._first().items():
                done.refuse_other_protocol(first, same_seed=other == seed)
            if row.name not in self._costs:
                self._costs[row.name] = runs.costs(place)
            self._runs[row.name][seed] = done
        except AuricleError as wrong:
            self._told[row.name] = str(wrong)
            self._runs[row.name] = {}
            sys.stderr.write(f"warning: {row.name} is left out: {wrong}{wrong.hint and f'; hint: {wrong.hint}'}\n")

    def lines(self) -> list[Line]:
        """What came of each row."""
        from auricle.verbs._study_runs import recipe_of
        from auricle.verbs._study_table import Line

        recipes = {row.name: recipe_of(self.study, row, self.study.settings(row, 0, self.more)) for row in self.study.row}
        return [
            Line(row, recipes[row.name], tuple(self._runs[row.name].values()), self._costs.get(row.name), self._told.get(row.name, ""))
            for row in self.study.row
        ]

    def _settings(self, row: Row, seed: int) -> tuple[str, ...]:
        """All overrides of a run, its teacher of the same fold among them."""
        settings = self.study.settings(row, seed, self.more)
        if not row.teacher:
            return settings
        if row.teacher in self._told:
            raise RequestError(f"its teacher, {row.teacher}, could not be trained")
        return (*settings, f"transfer.teachers={json.dumps([str(self._runs[row.teacher][seed].folder / '{fold}')])}")

    def _first(self) -> dict[int, Run]:
        """A run of each seed that others must agree with."""
        found: dict[int, Run] = {}
        for runs in self._runs.values():
            for seed, run in runs.items():
                found.setdefault(seed, run)
        return found


def _places(corpora: tuple[str, ...], folder: Path) -> dict[str, Path]:
    """A folder for each corpus, by its name."""
    from auricle.datasets._corpus import locate

    for corpus in corpora:
        locate(corpus)  # or the sentence that says where it was looked for
    found = {corpus: folder / Path(corpus).stem for corpus in corpora}
    if len(set(found.values())) < len(corpora):
        raise RequestError(f"two of the corpora {', '.join(corpora)} have one name; wanted one folder for each")
    return found
