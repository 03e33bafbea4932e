"""What stands on both sides of a split, so that a score would measure memory: groups, files, copies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from auricle.audits._finding import Finding, counted
from auricle.types import Item


def leaks(items: Sequence[Item], twins: Sequence[tuple[Path, ...]] = ()) -> list[Finding]:
    """Groups, files and copies of one recording that straddle the corpus's own split or folds.

    Args:
        items: the corpus's clips.
        twins: groups of files that hold the same recording.

    Returns:
        At most six findings: each of the three, for the split and for the folds.
    """
    twin = {path: str(number) for number, group in enumerate(twins) for path in group}
    finds = []
    for side, sides in (("split", [i.split for i in items]), ("fold", [i.fold for i in items])):
        if len(set(sides) - {""}) < 2:
            continue
        straddling = _straddling((item.group, each, item.path) for item, each in zip(items, sides, strict=True))
        if straddling:
            names = list(straddling)
            sentence = (
                f"{counted(len(names), 'group')} of {len({i.group for i in items} - {''})} stand in more than one {side}"
                f" ({_few(names)}): a score tells how well known speakers or recordings are recognised, not new ones"
            )
            finds.append(Finding("warning", sentence, fix="--set split.rule=group"))
        straddling = _straddling((str(item.path), each, item.path) for item, each in zip(items, sides, strict=True))
        if straddling:
            sentence = f"{counted(len(straddling), 'file')} in more than one {side}: parts of one recording train and judge"
            finds.append(Finding("error", sentence, _paths(straddling)))
        straddling = _straddling((twin.get(item.path, ""), each, item.path) for item, each in zip(items, sides, strict=True))
        if straddling:
            sentence = f"{counted(len(straddling), 'recording')} in more than one {side} as copies: what is judged was trained on"
            finds.append(Finding("error", sentence, _paths(straddling)))
    return finds


def _straddling(rows: Iterable[tuple[str, str, Path]]) -> dict[str, list[Path]]:
    """Keys that occur on more than one side, with their files."""
    sides: dict[str, set[str]] = {}
    paths: dict[str, list[Path]] = {}
    for key, side, path in rows:
        if key and side:
            sides.setdefault(key, set()).add(side)
            paths.setdefault(key, []).append(path)
    return {key: paths[key] for key, found in sides.items() if len(found) > 1}


def _paths(straddling: dict[str, list[Path]]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(path for found in straddling.values() for path in found))


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
