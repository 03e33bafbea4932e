"""Text and tables as people save them: byte order marks, UTF-16, old Windows code pages, commas, semicolons, tabs or JSON lines."""

from __future__ import annotations

import codecs
import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

from auricle.errors import DataError


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Args:
        number: line where it begins, as an editor counts; the header is line 1.
        cells: text (or a list of texts, from JSON) by column, column names lowered and stripped.
    """

    number: int
    cells: dict[str, str | list[str]]


def read_text(path: Path) -> str:
    """A file's text, decoded by its byte order mark, else as UTF-16 where zero bytes show it, else UTF-8, else Windows-1252.

    Args:
        path: the file.

    Returns:
        the text, without a mark.

    Raises:
        DataError: the file cannot be opened, or is not text.
    """
    try:
        data = path.read_bytes()
    except OSError as wrong:
        raise DataError(f"{path} cannot be read: {wrong.strerror or wrong}") from wrong
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return _decode(path, data, encoding)
    if data[1:200:2].count(0) > len(data[1:200:2]) / 2:
        return _decode(path, data, "utf-16-le")
    if data[0:200:2].count(0) > len(data[0:200:2]) / 2:
        return _decode(path, data, "utf-16-be")
    if b"\0" in data:
        raise DataError(f"{path} is not text: it holds zero bytes; wanted a table or labels as text")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def read_table(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """Column names and rows of a CSV, TSV or JSON-lines file; blank lines are passed over.

    Args:
        path: the file; `.jsonl` and `.ndjson` are JSON lines, everything else is separated by what its header is separated by.

    Returns:
        column names, lowered and stripped, and the rows in order.

    Raises:
        DataError: no header, a repeated column, a row with too many cells, a line that is not JSON.
    """
    text = read_text(path)
    if path.suffix.lower() in {".jsonl", ".ndjson"}:
        return _json_lines(path, text)
    header = next((line for line in text.splitlines() if line.strip()), "")
    if not header:
        raise DataError(f"{path} is empty; wanted a header line and one row a clip")
    separator = max("\t,;|", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    try:
        begin = 1
        for cells in reader:
            number, begin = begin, reader.line_num + 1
            if not any(c.strip() for c in cells):
                continue
            if not columns:
                columns = _columns(path, cells)
                continue
            if len(cells) > len(columns) and any(c.strip() for c in cells[len(columns) :]):
                raise DataError(f"{path} row {number} has {len(cells)} cells, but the header names {len(columns)} columns")
            rows.append(Row(number, dict(zip(columns, (c.strip() for c in cells), strict=False))))
    except csv.Error as wrong:
        raise DataError(f"{path} row {reader.line_num} is not a row of a table: {wrong}") from wrong
    return tuple(c for c in columns if c), rows


def _columns(path: Path, cells: list[str]) -> tuple[str, ...]:
    names = [c.strip().lower() for c in cells]
    twice = sorted({n for n in names if n and names.count(n) > 1})
    if twice:
        raise DataError(f"{path} names the column {twice[0]!r} twice; wanted each column once")
    return tuple(names)


def _json_lines(path: Path, text: str) -> tuple[tuple[str, ...], list[Row]]:
    rows: list[Row] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as wrong:
            raise DataError(f"{path} row {number} is not JSON: {wrong.msg}") from wrong
        if not isinstance(value, dict):
            raise DataError(f'{path} row {number} is {type(value).__name__}, not an object; wanted {{"path": …, "label": …}}')
        cells = {str(k).strip().lower(): _cell(v) for k, v in value.items() if v is not None}
        columns.update(dict.fromkeys(str(k).strip().lower() for k in value))
        rows.append(Row(number, cells))
    if not rows:
        raise DataError(f"{path} is empty; wanted one JSON object a clip")
    return tuple(columns), rows


def _cell(value: object) -> str | list[str]:
    if isinstance(value, list):
        return [str(v).strip() for v in value]
    return str(value).strip()


def _decode(path: Path, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as wrong:
        raise DataError(f"{path} begins like {encoding} text, but byte {wrong.start} is not") from wrong
