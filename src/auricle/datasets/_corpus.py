"""A corpus opened: which one a name, folder or table is, all its clips in a stable order, and what is to be told apart."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auricle import catalog
from auricle.datasets._cache import cache
from auricle.datasets._download import Progress
from auricle.datasets._files import sound_files
from auricle.errors import DataError, RequestError
from auricle.types import Item, Skipped, Spec, Task, TaskKind

# Entries that read what a person brings; every other entry is a published corpus, known by name and by its own files.
_GENERAL = ("folder", "label_files", "table")
_TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})


@dataclass(frozen=True, slots=True)
class Corpus:
    """All clips of a corpus, and what is known about it.

    Args:
        name: the corpus's own, or the folder's or table's.
        root: folder that the items lie below.
        task: labels in a fixed order, and kind.
        items: every clip, in an order that depends on names alone.
        license: of the recordings.
        source: address, or "".
        citation: how to cite it, or "".
        spec: the entry that read it, with all its settings.
        skipped: files or rows that were left out, and why.
        weights_may_ship: whether the licence lets models trained on it be passed on.
    """

    name: str
    root: Path
    task: Task
    items: tuple[Item, ...]
    license: str
    source: str
    citation: str
    spec: Spec
    skipped: tuple[Skipped, ...] = ()
    weights_may_ship: bool = True


def open_corpus(data: str, spec: Spec | None = None, *, least: int = 2) -> Corpus:
    """The corpus that a name, a folder or a table file is.

    A name is looked for in `$AURICLE_DATA/<name>`, `$AURICLE_DATA/data/<name>` and the user's cache; `sketches`, which is computed, is
    made there. A folder is a published corpus where its own files show it, else a folder with one table that names its files, else
    recordings with label files, else a folder per class.

    Args:
        data: corpus name, folder or table file.
        spec: the entry to read it with and its settings; None, or a folder without settings, lets the data tell.
        least: fewest labels that there must be to tell apart.

    Returns:
        the corpus.

    Raises:
        RequestError: no such corpus, folder or file; a setting that the entry does not have.
        DataError: nothing usable was found; the sentence says what was.
    """
    wish = None if spec is None or _plain(spec) else spec
    root = locate(data)
    if wish and data in published() and wish.name not in (data, *_GENERAL):
        raise RequestError(f"data.name is {wish.name!r}, but {data} was asked for; wanted the same corpus")
    spec = wish or Spec(data if data in published() else recognise(root))
    checked = catalog.check("datasets", spec, where="data")
    entry = catalog.make("datasets", checked)
    return _opened(entry, root, checked, least)


def download(name: str, *, root: Path | None = None, progress: Progress | None = None) -> Path:
    """The folder of a published corpus, downloaded into the user's cache unless it is there.

    Args:
        name: corpus name.
        root: folder that will hold it; None is the cache's.
        progress: called with bytes (or clips made) so far and in all, 0 where unknown.

    Returns:
        the folder.

    Raises:
        RequestError: no such corpus.
        DataError: the download failed; the sentence says why and how to go on.
    """
    if name not in published():
        raise RequestError(f"{name!r} is not a known corpus{catalog.nearest(name, published())}")
    place = root or cache("data") / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return Path(catalog.make("datasets", Spec(name)).download(place, progress=progress))


def published() -> list[str]:
    """Names of the corpora that are known by name: every entry but those that read a person's own files."""
    return [n for n in catalog.names("datasets") if n not in _GENERAL]


def data_folders() -> Iterator[Path]:
    """Folders that may hold corpora by name: `$AURICLE_DATA`, its `data`, and the user's cache, in this order."""
    named = os.environ.get("AURICLE_DATA")
    if named:
        yield Path(named).expanduser()
        yield Path(named).expanduser() / "data"
    yield cache("data")


def locate(data: str) -> Path:
    """The folder or table file that `data` means.

    Args:
        data: corpus name, folder or table file.

    Returns:
        an absolute path that exists.

    Raises:
        RequestError: it is none of these; or a known corpus that is not on this machine.
    """
    if data in published():
        names = (data, *getattr(catalog.load("datasets", data), "folders", ()))
        for folder in data_folders():
            for name in names:
                place: Path = folder / name
                if place.is_dir() and any(place.iterdir()):
                    return place.absolute()
    path = Path(data).expanduser()
    if path.is_dir():
        return path.absolute()
    if path.is_file():
        if path.suffix.lower() not in _TABLES:
            raise RequestError(f"{data} is neither a folder nor a table; wanted a folder, a .csv, .tsv or .jsonl file, or a corpus's name")
        return path.absolute()
    if data in published():
        entry = catalog.make("datasets", Spec(data))
        if getattr(entry, "made", False):
            return Path(entry.download(cache("data") / data))
        raise RequestError(f"{data} is not on this machine: looked in {', '.join(map(str, data_folders()))}", hint=_hint(data))
    if os.sep in data or path.suffix:
        raise RequestError(f"{data} is not there; wanted a folder, a table file or one of {', '.join(published())}")
    raise RequestError(f"{data!r} is neither a folder nor a file, nor a known corpus{catalog.nearest(data, published())}")


def recognise(root: Path) -> str:
    """Name of the entry that reads a folder or table.

    Args:
        root: an existing folder or table file.

    Returns:
        the name.
    """
    if root.is_file():
        return "table"
    for name in [*published(), "table", "label_files"]:
        entry = catalog.make("datasets", Spec(name))
        if hasattr(entry, "found") and entry.found(root):
            return name
    return "folder"


def with_reader(data: str, settings: tuple[str, ...]) -> tuple[str, ...]:
    """Settings as they are, behind the name of what reads the data where they set how it reads and leave open what it is.

    Args:
        data: corpus name, folder or table file.
        settings: `section.key=value` each.

    Returns:
        The settings, perhaps with `data.name=…` before them.

    Raises:
        RequestError: no such corpus, folder or file.
    """
    keys = {setting.partition("=")[0].strip() for setting in settings}
    if keys & {"data", "data.name"} or not any(key.startswith("data.") for key in keys):
        return settings
    root = locate(data)
    return (f"data.name={data if data in published() else recognise(root)}", *settings)


def _plain(spec: Spec) -> bool:
    return spec.name == "folder" and catalog.check("datasets", spec, where="data") == catalog.check("datasets", Spec("folder"))


def _hint(name: str) -> str:
    entry = catalog.load("datasets", name)
    if hasattr(entry, "download"):
        return f"`auricle download {name}` brings it; or set AURICLE_DATA to the folder that holds {name}/"
    return f"get it from {entry.source}, then set AURICLE_DATA to the folder that holds {name}/"


def _opened(entry: Any, root: Path, spec: Spec, least: int) -> Corpus:
    items = tuple(entry.items(root))
    skipped = tuple(entry.skipped(root)) if hasattr(entry, "skipped") else ()
    if not items:
        raise _nothing(root, spec, skipped)
    found = {label for item in items for label in item.target}
    kind: TaskKind = entry.kind
    if kind == "single" and any(len(item.target) != 1 for item in items):
        kind = "multi"
    labels = tuple(label for label in entry.labels if label in found) if entry.labels else tuple(sorted(found))
    unknown = found - set(labels)
    if unknown:
        raise DataError(f"{root} has the label {sorted(unknown)[0]!r}, which {spec.name} does not know")
    if len(labels) < (1 if kind == "multi" else least):
        what = f"only the label {labels[0]!r}" if labels else "no label"
        inner = sorted(p.name for p in root.iterdir() if p.is_dir()) if root.is_dir() else []
        hint = f"if {inner[0]}/ holds the class folders, name {root / inner[0]}" if spec.name == "folder" and len(inner) == 1 else ""
        raise DataError(f"{root} has {what} on {len(items)} clips; wanted at least two", hint=hint)
    folder = root.parent if root.is_file() else root
    name = spec.name if spec.name in published() else root.stem if root.is_file() else root.name
    return Corpus(
        name=name,
        root=folder,
        task=Task(labels, kind),
        items=items,
        license=entry.license,
        source=entry.source,
        citation=entry.citation,
        spec=spec,
        skipped=skipped,
        weights_may_ship=entry.weights_may_ship,
    )


def _nothing(root: Path, spec: Spec, skipped: tuple[Skipped, ...]) -> DataError:
    if root.is_file():
        return DataError(f"{root} has no usable row" + (f"; {skipped[0].reason}" if skipped else ""))
    sounds = list(sound_files(root))
    if not sounds:
        return DataError(f"{root} holds no sound files; wanted a folder per class with clips in it")
    if spec.name == "folder":
        return DataError(
            f"{root} holds {len(sounds)} sound files, such as {sounds[0]}, but none in a folder that names its class",
            hint="make a folder per class, or a table with the columns path and label, or set data.pattern",
        )
    return DataError(f"{root} holds {len(sounds)} sound files, such as {sounds[0]}, but none is one of {spec.name}")
