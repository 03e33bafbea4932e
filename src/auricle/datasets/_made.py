"""A folder of clips that a program made: a folder a label, clips.csv, and origin.json, which says how, and what was heard to make them.

clips.csv is written last, so that a folder that has one is whole. The folder is then read like any table, by its columns path, label and
group. What was heard to make clips (the recordings that a generator was trained on) is known by the bytes of the files, wherever they lie.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from auricle.audio.write import write
from auricle.errors import DataError, RequestError
from auricle.types import Clip, Item

_TABLE, _ORIGIN = "clips.csv", "origin.json"
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard to make clips; nothing, where they were made from rules alone.

    Args:
        files: hash of each file's bytes.
        groups: of the clips; "" is none.
    """

    files: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


class Shelf:
    """A new folder of made clips.

    Args:
        folder: made where it isn't there.
        columns: of clips.csv, behind path and label.
        suffix: of the files, which names their format.

    Raises:
        RequestError: clips are already there.
    """

    def __init__(self, folder: Path, *, columns: tuple[str, ...], suffix: str) -> None:
        if (folder / _TABLE).exists():
            raise RequestError(f"{folder / _TABLE} is already there", hint="another --out")
        self.folder, self.columns, self.suffix = folder, columns, suffix
        self._rows: list[tuple[object, ...]] = []
        self._counts: dict[str, int] = {}

    def add(self, label: str, clip: Clip, about: Mapping[str, object]) -> Path:
        """One more clip, whole on disk before it has its name.

        Args:
            label: its class; see `unfit`.
            clip: the sound.
            about: the other columns.

        Returns:
            Its path.
        """
        number = self._counts.get(label, 0)
        path = self.folder / label / f"{number:05}.{self.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part := path.with_name(f".{path.name}"), clip)
        part.replace(path)
        self._counts[label] = number + 1
        self._rows.append((f"{label}/{path.name}", label, *(about[column] for column in self.columns)))
        return path

    def close(self, how: Mapping[str, object], heard: Heard | None = None) -> int:
        """The table and the origin.

        Args:
            how: what made the clips, and from which settings.
            heard: recordings that it learnt from.

        Returns:
            How many clips there are.
        """
        told = {name: sorted(found) for name, found in asdict(heard or Heard()).items()}
        part = self.folder / f".{_ORIGIN}"
        part.write_text(json.dumps({**how, "heard": told}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(self.folder / _ORIGIN)
        part = self.folder / f".{_TABLE}"
        with part.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("path", "label", *self.columns), *self._rows])
        part.replace(self.folder / _TABLE)
        return len(self._rows)


def unfit(label: str) -> str:
    """Why a label can't name a folder of clips.

    Args:
        label: the class.

    Returns:
        A sentence, or "" for one that can.
    """
    if not label:
        return "there is no label"
    if label.startswith(".") or any(sign in label for sign in '/\\:*?"<>|\0') or len(label) > _LONGEST_NAME:
        return f"the label {label[:_LONGEST_NAME]!r} can't name a folder"
    return ""


def heard(items: Iterable[Item]) -> Heard:
    """What a program hears that learns from these clips.

    Args:
        items: the clips.

    Returns:
        Their files and groups.
    """
    chosen = tuple(items)
    return Heard(frozenset(fingerprint(path) for path in {item.path for item in chosen}), frozenset(item.group for item in chosen))


def heard_for(root: Path) -> Heard:
    """What was heard to make the clips of a folder or table.

    Args:
        root: the folder, or a file in it.

    Returns:
        Nothing, where no origin is told.

    Raises:
        DataError: the origin can't be read.
    """
    file = (root if root.is_dir() else root.parent) / _ORIGIN
    if not file.is_file():
        return Heard()
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["heard"]
        return Heard(frozenset(told["files"]), frozenset(told["groups"]))
    except (ValueError, KeyError, TypeError) as wrong:
        raise DataError(f"{file} does not say what was heard to make these clips; wanted it as it was written") from wrong


def fingerprint(path: Path) -> str:
    """16 hex digits that name a file's bytes.

    Args:
        path: the file.

    Returns:
        The beginning of their SHA-256.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
