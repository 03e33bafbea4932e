"""Your own clips in a table: CSV, TSV or JSON lines with the columns path and label, and perhaps split, fold, group, start, stop.

Where several people judged the clips, each has a column in place of `label`, and `annotators` names them. A cell may be empty (did not
judge) or hold n labels, which count 1/n each. The label is the one with the most votes, and a tie or a clip that nobody judged is listed as
skipped; with `kind = "distribution"` the target is how the votes divide. (Busso et al. 2008, IEMOCAP, is labelled in this way.)

A column `labels` in place of `label` holds any number of labels, separated by `|`, `;` or `,` (in JSON lines also a list): where some row
has none or several, the task is `multi`. `start` and `stop` are seconds within the file. `split` is train, dev or test. `group` is what
must never straddle a split: speaker, session, source recording. Paths are relative to the table. Byte order marks, UTF-16, semicolons and
tabs are understood.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from auricle.catalog import nearest
from auricle.datasets._pattern import SPLITS
from auricle.datasets._text import Row, read_table
from auricle.datasets._votes import Judgements, annotators_among, most_voted, tally
from auricle.errors import DataError, RequestError
from auricle.types import Item, Seconds, Skipped, TaskKind

SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
_PATHS = ("path", "file", "filename", "file_name", "filepath", "file_path", "audio_filepath", "audio")
_LABELS = ("label", "class", "category", "labels", "classes", "tags")
_SEVERAL = ("labels", "classes", "tags")


class Table:
    """One row a clip.

    Args:
        path: column of the file's path; "" takes the first of path, file, filename, audio_filepath … that is there.
        label: column of the label; "" takes the first of label, class, category, labels, tags … that is there.
        group: column of the group.
        folder: where the paths begin, relative to the table; "" is the table's own folder.
        separator: what stands between several labels; "auto" is the first of `|`, `;`, `,` that the column holds.
        kind: "single", "multi", or "distribution" of the annotators' votes; "auto" is multi where the column is called labels, classes or
            tags and a row has none or several, else single.
        bad_rows: "refuse" the table at the first row that cannot be used, or "skip" such rows and list them.
        annotators: columns that hold what one annotator said each, in place of the column of the label.

    Raises:
        RequestError: settings that do not go together.
    """

    title = "A table of clips"
    license = "yours"
    source = ""
    citation = ""
    labels: tuple[str, ...] = ()
    kind: TaskKind = "single"
    example = ("clips.csv", "clips/1.wav", "clips/2.wav")
    texts = (("clips.csv", "path,label,group,start,stop\nclips/1.wav,dog,rex,0.25,0.75\nclips/2.wav,cat,tom,,\n"),)
    weights_may_ship = True

    def __init__(
        self,
        *,
        path: str = "",
        label: str = "",
        group: str = "group",
        folder: str = "",
        separator: Literal["auto", "|", ";", ","] = "auto",
        kind: Literal["auto", "single", "multi", "distribution"] = "auto",
        bad_rows: Literal["refuse", "skip"] = "refuse",
        annotators: tuple[str, ...] = (),
    ) -> None:
        self.path, self.label, self.group = path.strip().lower(), label.strip().lower(), group.strip().lower()
        self.folder = folder
        self.separator = separator
        self.several = kind
        self.bad_rows = bad_rows
        self.annotators = tuple(name.strip().lower() for name in annotators)
        _refuse_what_does_not_meet(self.label, kind, self.annotators)
        if kind in ("multi", "distribution"):
            self.kind = kind

    def found(self, root: Path) -> bool:
        """Whether it is a table, or a folder with one table whose first row names a file that is there."""
        if root.is_file():
            return root.suffix.lower() in SUFFIXES
        try:
            file = only_table(root)
            columns, rows = read_table(file)
            path = _column(file, columns, self.path, _PATHS, "path")
            # Not tags and the like: a list of files with remarks is no set of labels until somebody says so.
            if not annotators_among(columns):
                _column(file, columns, self.label, ("label", "labels", "class", "category"), "label")
        except DataError:
            return False
        return bool(rows) and (file.parent / self.folder / _text(rows[0], path)).is_file()

    def items(self, root: Path) -> Iterator[Item]:
        """Every row, in the table's order.

        Args:
            root: the table, or a folder that holds exactly one.

        Returns:
            the items.

        Raises:
            DataError: no table or several; a missing or repeated column; with `bad_rows` "refuse", the first row that cannot be used.
        """
        return (found for found in self._read(root) if isinstance(found, Item))

    def skipped(self, root: Path) -> Iterator[Skipped]:
        """Rows that cannot be used, each with its number and reason."""
        return (found for found in self._read(root) if isinstance(found, Skipped))

    def judgements(self, root: Path) -> tuple[Judgements, ...]:
        """What each annotator said of each row.

        Args:
            root: the table, or a folder that holds exactly one.

        Returns:
            as many as rows, each with the labels of every annotator; none where no annotators are named.

        Raises:
            DataError: no table or several; no such column.
        """
        if not self.annotators:
            return ()
        file = only_table(root)
        columns, rows = read_table(file)
        said = self._said(file, columns)
        separator = self._separator(said, rows)
        return tuple(tuple(_labels(row, column, separator) for column in said) for row in rows)

    def _read(self, root: Path) -> Iterator[Item | Skipped]:
        file = only_table(root)
        columns, rows = read_table(file)
        path_column = _column(file, columns, self.path, _PATHS, "path")
        said = self._said(file, columns)
        if self.group != "group":
            _column(file, columns, self.group, (), "group")
        several = bool(self.annotators) or self.several == "multi" or (self.several == "auto" and said[0] in _SEVERAL)
        separator = self._separator(said, rows) if several else ""
        seen: dict[tuple[str, Seconds, Seconds | None], int] = {}
        for row in rows:
            path = file.parent / self.folder / _text(row, path_column)
            try:
                item = self._item(file, row, path, tuple(_labels(row, column, separator) for column in said))
                if not item.target and not several:
                    raise DataError(f"{file} row {row.number} has no label")
                key = (str(path), item.start, item.stop)
                if key in seen:
                    raise DataError(f"{file} row {row.number} repeats row {seen[key]}: {_text(row, path_column)}, the same stretch")
                seen[key] = row.number
            except DataError as wrong:
                if self.bad_rows == "refuse":
                    raise DataError(str(wrong), hint='--set data.bad_rows="skip" leaves such rows out and lists them') from None
                yield Skipped(path, str(wrong))
                continue
            yield self._decided(f"{file} row {row.number}", item) if self.annotators else item

    def _decided(self, where: str, item: Item) -> Item | Skipped:
        """The clip with the target that the annotators' votes come to, or why they come to none."""
        if not item.target:
            return Skipped(item.path, f"{where} was judged by none of the {len(self.annotators)} annotators")
        if self.kind == "distribution":
            return item
        most = most_voted(item.target, item.votes)
        if len(most) > 1:
            return Skipped(item.path, f"{where} has no most voted label: {' and '.join(most)} have {item.votes[0]:.3g} of its votes each")
        return dataclasses.replace(item, target=most, votes=())

    def _said(self, file: Path, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that hold labels: one, or an annotator's each."""
        if self.annotators:
            return tuple(_column(file, columns, name, (), "annotators") for name in self.annotators)
        try:
            return (_column(file, columns, self.label, _LABELS, "label"),)
        except DataError:
            found = () if self.label else annotators_among(columns)
            if not found:
                raise
            told = f"{file} has no column 'label', but {len(found)} that look like annotators: {', '.join(found)}"
            hint = f"{naming(found)} takes the label with the most votes; with --set data.kind=distribution, how the votes divide"
            raise DataError(told, hint=hint) from None

    def _item(self, file: Path, row: Row, path: Path, said: Judgements) -> Item:
        where = f"{file} row {row.number}"
        votes = tally(said) if self.annotators else dict.fromkeys(said[0], 0.0)
        target = tuple(votes)
        if path == file.parent / self.folder:
            raise DataError(f"{where} has no path")
        if not path.is_file():
            raise DataError(
                f"{where} names {path}, which is not there" if not path.exists() else f"{where} names {path}, which is a folder"
            )
        if len(target) > 1 and self.several == "single" and not self.annotators:
            raise DataError(f"{where} has {len(target)} labels ({', '.join(target)}); wanted one")
        start, stop = _seconds(where, row, "start") or 0.0, _seconds(where, row, "stop")
        if stop is not None and stop <= start:
            raise DataError(f"{where} ends at {stop:g} s, not after its start at {start:g} s")
        split = _text(row, "split").lower()
        if split and split not in SPLITS:
            raise DataError(f"{where} is in the split {split!r}; wanted train, dev (or val) or test")
        return Item(
            path,
            target,
            start=start,
            stop=stop,
            split=SPLITS.get(split, ""),
            fold=_text(row, "fold"),
            group=_text(row, self.group),
            votes=tuple(votes.values()) if self.annotators else (),
        )

    def _separator(self, columns: tuple[str, ...], rows: list[Row]) -> str:
        if self.separator != "auto":
            return self.separator
        cells = [c for row in rows for column in columns if isinstance(c := row.cells.get(column, ""), str)]
        return next((s for s in "|;," if any(s in c for c in cells)), "|")


def annotator_columns(root: Path) -> tuple[str, ...]:
    """Columns of a table that look like an annotator's labels each, by their names.

    Args:
        root: a table or a folder.

    Returns:
        their names; none where there are no two, or no table.
    """
    try:
        return annotators_among(read_table(only_table(root))[0])
    except DataError:
        return ()


def naming(columns: tuple[str, ...]) -> str:
    """What to set where columns hold an annotator's labels each.

    Args:
        columns: their names.

    Returns:
        A setting to paste.
    """
    named = ", ".join(f'"{name}"' for name in columns)
    return f"--set 'data.annotators=[{named}]'"


def only_table(root: Path) -> Path:
    """The table itself, or the only one directly in a folder.

    Args:
        root: a table or a folder.

    Returns:
        the table's path.

    Raises:
        DataError: no table there, or several.
    """
    if root.is_file():
        return root
    tables = sorted(p for p in root.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")) if root.is_dir() else []
    if len(tables) == 1:
        return tables[0]
    if not tables:
        raise DataError(f"{root} holds no table; wanted a .csv, .tsv or .jsonl file")
    raise DataError(f"{root} holds {len(tables)} tables ({', '.join(p.name for p in tables[:5])}); wanted one", hint="name the file itself")


def _refuse_what_does_not_meet(label: str, kind: str, annotators: tuple[str, ...]) -> None:
    if kind == "distribution" and not annotators:
        raise RequestError("data.kind is 'distribution', and data.annotators names no columns; wanted the column of each annotator")
    if kind == "multi" and annotators:
        raise RequestError("data.kind is 'multi', and data.annotators is set; wanted single (the most voted label) or distribution")
    if label and annotators:
        raise RequestError(f"data.label is {label!r}, and data.annotators is set; wanted one of the two")
    if len(set(annotators)) < len(annotators):
        raise RequestError(f"data.annotators names a column twice: {', '.join(annotators)}")


def _column(file: Path, columns: tuple[str, ...], wanted: str, usual: tuple[str, ...], what: str) -> str:
    if wanted:
        if wanted not in columns:
            raise DataError(f"{file} has no column {wanted!r}{nearest(wanted, list(columns))}")
        return wanted
    for name in usual:
        if name in columns:
            return name
    raise DataError(
        f"{file} has no column {what!r}; it has {', '.join(columns)}", hint=f'--set data.{what}="COLUMN" names the column that holds it'
    )


def _text(row: Row, column: str) -> str:
    cell = row.cells.get(column, "")
    return cell if isinstance(cell, str) else ",".join(cell)


def _labels(row: Row, column: str, separator: str) -> tuple[str, ...]:
    cell = row.cells.get(column, "")
    parts = cell if isinstance(cell, list) else cell.split(separator) if separator else [cell]
    return tuple(dict.fromkeys(p.strip() for p in parts if p.strip()))


def _seconds(where: str, row: Row, column: str) -> Seconds | None:
    text = _text(row, column)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise DataError(f"{where} has {column} {text!r}; wanted seconds, zero or more, such as 1.25")
    return value
