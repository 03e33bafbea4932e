r"""Long recordings with label files beside them: Audacity label tracks or Raven selection tables.

`dawn.wav` is labelled by `dawn.txt`, `dawn.labels.txt`, `dawn.audacity.txt`, `dawn.selections.txt` or `dawn.Table.1.selections.txt` in
the same folder. Each labelled region becomes a clip; all clips of a recording are one group unless a pattern says otherwise. Regions may
overlap: each is a clip of its own label. Point labels, which have no length, and labels without text are left out and listed; Raven's
second view of a selection, and the frequency lines of spectral labels, are not counted twice. `background` names a class for the
stretches that nobody labelled.

Formats: Audacity manual, "Importing and Exporting Labels" (start TAB end TAB text, seconds; a line that begins with `\` gives
frequencies); Raven Pro 1.6 User's Manual, "Selection tables" (a header line, columns separated by tabs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auricle.catalog import nearest
from auricle.datasets._files import all_files, is_sound
from auricle.datasets._pattern import matched, named_pattern
from auricle.datasets._text import read_text
from auricle.errors import DataError
from auricle.types import Item, Seconds, Skipped, TaskKind

_SIDE = re.compile(r"(?P<stem>.+?)(?:\.(?:labels?|audacity|selections|table\.\d+(?:\.selections)?))?\.txt", re.IGNORECASE)
_BEGIN, _END = "begin time (s)", "end time (s)"
_TEXTS = ("annotation", "label", "species", "class", "tag", "call type", "type", "code", "common name", "species code")
_MEASURED = re.compile(
    r"selection|view|channel|.*\((?:s|hz|db|u|ms|khz|s/.*|db .*)\)|begin .*|end .*|file offset.*|delta .*|notes?|comments?"
)


@dataclass(frozen=True, slots=True)
class Region:
    """One labelled stretch of a recording.

    Args:
        start: seconds.
        stop: seconds; not before `start`.
        label: text, stripped; may be empty.
        line: of the label file, counted from 1.
    """

    start: Seconds
    stop: Seconds
    label: str
    line: int


class LabelFiles:
    """One clip a labelled region.

    Args:
        column: Raven column of the label; "" takes the first of Annotation, Label, Species, Class, Tag … that is there, else the last
            column of one's own.
        background: label for unlabelled stretches; "" leaves them out.
        background_seconds: longest clip of background; longer stretches are cut evenly.
        min_seconds: shorter regions, and shorter stretches of background, are left out.
        point_seconds: length given to point labels, centred; 0 leaves them out.
        pattern: regular expression with a named group `group`, searched in each recording's path below the folder.
    """

    title = "Recordings with Audacity or Raven labels"
    license = "yours"
    source = ""
    citation = ""
    labels: tuple[str, ...] = ()
    kind: TaskKind = "single"
    example = ("dawn.wav", "dawn.txt", "dusk.wav", "dusk.Table.1.selections.txt")
    texts = (
        ("dawn.txt", "0.1\t0.6\tblackbird\n0.5\t0.9\trobin\n"),
        ("dusk.Table.1.selections.txt", "Selection\tBegin Time (s)\tEnd Time (s)\tAnnotation\n1\t0.2\t0.8\tnightjar\n"),
    )
    weights_may_ship = True

    def __init__(
        self,
        *,
        column: str = "",
        background: str = "",
        background_seconds: Seconds = 5.0,
        min_seconds: Seconds = 0.02,
        point_seconds: Seconds = 0.0,
        pattern: str = "",
    ) -> None:
        self.column = column.strip().lower()
        self.background, self.background_seconds = background, background_seconds
        self.min_seconds, self.point_seconds = min_seconds, point_seconds
        self.pattern = named_pattern(pattern)

    def found(self, root: Path) -> bool:
        """Whether at least half of the recordings have a readable label file beside them."""
        pairs = list(_pairs(root))
        labelled = [file for _, file in pairs if file]
        if not labelled or 2 * len(labelled) < len(pairs):
            return False
        try:
            return all(regions(root / file) is not None for file in labelled[:3])
        except DataError:
            return False

    def items(self, root: Path) -> Iterator[Item]:
        """Every region, by recording and then by time.

        Args:
            root: folder with recordings and label files, to any depth.

        Returns:
            the items.

        Raises:
            DataError: a label file that is neither of the two formats, with the line.
        """
        return (found for found in self._read(root) if isinstance(found, Item))

    def skipped(self, root: Path) -> Iterator[Skipped]:
        """Recordings without labels, and labels that mark no stretch."""
        return (found for found in self._read(root) if isinstance(found, Skipped))

    def _read(self, root: Path) -> Iterator[Item | Skipped]:
        for path, file in _pairs(root):
            sound = root / path
            if file is None:
                yield Skipped(sound, "has no label file beside it")
                continue
            marks = regions(root / file, column=self.column)
            group = matched(self.pattern, path).get("group", "")
            for mark in marks:
                yield self._clip(sound, file, mark, group)
            if self.background:
                for start, stop in self._unlabelled(sound, marks):
                    yield Item(sound, (self.background,), start=start, stop=stop, group=group)

    def _clip(self, sound: Path, file: Path, mark: Region, group: str) -> Item | Skipped:
        start, stop = mark.start, mark.stop
        if start == stop and self.point_seconds > 0:
            start, stop = max(0.0, start - self.point_seconds / 2), start + self.point_seconds / 2
        if not mark.label:
            return Skipped(sound, f"{file.name} line {mark.line} has no text, so the stretch from {start:g} to {stop:g} s has no label")
        if start == stop:
            return Skipped(sound, f"{file.name} line {mark.line} marks the point {start:g} s; wanted a stretch (or data.point_seconds)")
        if stop - start < self.min_seconds:
            return Skipped(sound, f"{file.name} line {mark.line} marks {stop - start:.3g} s; wanted {self.min_seconds:g} s or more")
        return Item(sound, (mark.label,), start=start, stop=stop, group=group)

    def _unlabelled(self, sound: Path, marks: list[Region]) -> Iterator[tuple[Seconds, Seconds]]:
        from auricle.audio.probe import probe

        told = probe(sound)
        end = told.frames / told.sample_rate
        at = 0.0
        for mark in [*sorted(marks, key=lambda m: m.start), Region(end, end, "", 0)]:
            length = min(mark.start, end) - at
            if length >= max(self.min_seconds, 0.1):
                pieces = max(1, -int(-length // self.background_seconds))
                for n in range(pieces):
                    yield round(at + length * n / pieces, 6), round(at + length * (n + 1) / pieces, 6)
            at = max(at, mark.stop)


def regions(path: Path, *, column: str = "") -> list[Region]:
    """The labelled stretches of an Audacity label track or a Raven selection table, by time; told apart by the first line.

    Args:
        path: the label file, in any encoding that `read_text` knows.
        column: Raven column of the label, lowered; "" chooses.

    Returns:
        regions by start, then stop; may be empty.

    Raises:
        DataError: neither format, or a line that is not of it.
    """
    lines = read_text(path).splitlines()
    first = next((line for line in lines if line.strip()), "")
    found = _raven(path, lines, column) if _BEGIN in first.lower() else _audacity(path, lines)
    return sorted(found, key=lambda r: (r.start, r.stop, r.line))


def _pairs(root: Path) -> Iterator[tuple[Path, Path | None]]:
    paths = all_files(root)
    sides: dict[Path, Path] = {}
    for path in paths:
        match = _SIDE.fullmatch(path.name)
        if match:
            sides.setdefault(path.parent / match["stem"], path)
    for path in paths:
        if is_sound(root / path):
            yield path, sides.get(path.with_suffix("")) or sides.get(path)


def _audacity(path: Path, lines: list[str]) -> Iterator[Region]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("\\"):
            continue
        cells = line.split("\t")
        # Where the computer writes numbers with a decimal comma, so does Audacity.
        start, stop = (_number(c.replace(",", ".")) for c in (*cells, "")[:2])
        if start is None or stop is None:
            raise DataError(
                f"{path} line {number} is {line.strip()[:60]!r}; wanted start, end and label separated by tabs, or a Raven header"
            )
        yield _region(path, number, start, stop, "\t".join(cells[2:]))


def _raven(path: Path, lines: list[str], column: str) -> Iterator[Region]:
    rows = [(n, line.split("\t")) for n, line in enumerate(lines, 1) if line.strip()]
    names = [c.strip().lower() for c in rows[0][1]]
    if _END not in names:
        raise DataError(f"{path} has no column 'End Time (s)'; it has {', '.join(c for c in names if c)}")
    text = _text_column(path, names, column, empty=len(rows) == 1)
    seen: set[tuple[str, str, str]] = set()
    for number, cells in rows[1:]:
        row = dict(zip(names, (c.strip() for c in cells), strict=False))
        key = (row.get(_BEGIN, ""), row.get(_END, ""), row.get(text, ""))
        if key in seen:
            continue
        seen.add(key)
        start, stop = _number(key[0]), _number(key[1])
        if start is None or stop is None:
            raise DataError(f"{path} line {number} has the times {key[0]!r} and {key[1]!r}; wanted seconds")
        yield _region(path, number, start, stop, key[2])


def _text_column(path: Path, names: list[str], column: str, *, empty: bool) -> str:
    if column:
        if column not in names:
            raise DataError(f"{path} has no column {column!r}{nearest(column, [n for n in names if n])}")
        return column
    usual = next((n for n in _TEXTS if n in names), "")
    own = [n for n in names if n and not _MEASURED.fullmatch(n)]
    if not usual and not own and not empty:
        raise DataError(
            f"{path} has no column with labels; it has {', '.join(n for n in names if n)}", hint='--set data.column="COLUMN" names it'
        )
    return usual or (own[-1] if own else "")


def _region(path: Path, number: int, start: Seconds, stop: Seconds, label: str) -> Region:
    if start < 0 or stop < start:
        raise DataError(f"{path} line {number} goes from {start:g} to {stop:g} s; wanted a start of at least 0 and an end not before it")
    return Region(start, stop, " ".join(label.split()), number)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return abs(value) if value == 0 else value if abs(value) < 1e9 else None
