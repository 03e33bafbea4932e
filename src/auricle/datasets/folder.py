"""Your own clips in folders: a folder per class, perhaps inside train/dev/test or fold folders.

`dogs/rex/1.wav` is a clip of the class `dogs` and of the group `rex`: what lies one folder deeper than the class is taken to belong
together (a speaker, a session, a device) and never straddles a split. `train/dogs/1.wav` carries an official split, `fold1/dogs/1.wav` an
official fold. Another order of folders is said by `layout`; what only the file's name tells, by `pattern`.

Files count as sound by suffix or, without a known suffix, by their first bytes. Hidden files, and documents beside the clips, are passed
over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from auricle.datasets._files import all_files, is_companion, is_sound
from auricle.datasets._pattern import SPLITS, WORDS, matched, named_pattern
from auricle.errors import DataError, RequestError
from auricle.types import Item, Skipped, TaskKind


class Folder:
    """A folder per class.

    Args:
        layout: what the folders mean from the top, such as "label/group", "group/label", "split/label" or "-/label" ("-" has no meaning;
            folders deeper than the layout have none either); "auto" is "label/group", after "split/" or "fold/" where every
            top folder is one.
        pattern: regular expression with named groups out of label, group, split, fold, searched in each path below the folder (with
            `/`); what it finds goes before what the folders say. `(?P<group>[^/_]+)_[^/]*$` takes the file's name up to its first
            underscore.
    """

    title = "A folder per class"
    license = "yours"
    source = ""
    citation = ""
    labels: tuple[str, ...] = ()
    kind: TaskKind = "single"
    example = ("dog/rex/1.wav", "dog/rex/2.wav", "dog/fido/1.wav", "cat/tom/1.flac", "cat/tom/2.flac")
    weights_may_ship = True

    def __init__(self, *, layout: str = "auto", pattern: str = "") -> None:
        words = layout.split("/")
        if layout != "auto" and (set(words) - WORDS or len({*words} - {"-"}) != sum(w != "-" for w in words)):
            raise RequestError(f"data.layout is {layout!r}; wanted folders from the top out of label, group, split, fold, each once, and -")
        self.layout = layout
        self.pattern = named_pattern(pattern)

    def items(self, root: Path) -> Iterator[Item]:
        """Every clip, in the order of the paths."""
        return (found for found in self._read(root) if isinstance(found, Item))

    def skipped(self, root: Path) -> Iterator[Skipped]:
        """Files that are not sound, or have no class."""
        return (found for found in self._read(root) if isinstance(found, Skipped))

    def _read(self, root: Path) -> list[Item | Skipped]:
        paths = all_files(root)
        sounds = [p for p in paths if is_sound(root / p)]
        layout = self._layout(sounds)
        known = set(sounds)
        groups = {p.parts[layout.index("group")] for p in sounds if "group" in layout and len(p.parts) - 1 > layout.index("group")}
        found: list[Item | Skipped] = []
        for path in paths:
            if path not in known:
                if not is_companion(path):
                    found.append(Skipped(root / path, "is not sound, by its name or its first bytes"))
                continue
            said = self._said(path, layout)
            if self.layout == "auto" and len(groups) < 2 and "group" not in (self.pattern.groupindex if self.pattern else {}):
                said["group"] = ""  # one folder name inside every class, such as wav/, tells nothing apart
            if not said["label"]:
                found.append(Skipped(root / path, "lies beside the class folders, so nothing says its class"))
                continue
            split = SPLITS.get(said["split"].lower(), "") if said["split"] else ""
            if said["split"] and not split:
                raise DataError(f"{root / path} is in the split {said['split']!r}; wanted train, dev (or val) or test")
            found.append(Item(root / path, (said["label"],), split=split, fold=said["fold"], group=said["group"]))
        return found

    def _layout(self, sounds: list[Path]) -> list[str]:
        if self.layout != "auto":
            return self.layout.split("/")
        tops = {p.parts[0].lower() for p in sounds if len(p.parts) > 1}
        if len(tops) > 1 and tops <= set(SPLITS):
            return ["split", "label", "group"]
        if len(tops) > 1 and all(re.fullmatch(r"(?:fold|split)[ _-]?\d+", t) for t in tops):
            return ["fold", "label", "group"]
        return ["label", "group"]

    def _said(self, path: Path, layout: list[str]) -> dict[str, str]:
        said = dict.fromkeys(WORDS, "")
        said |= dict(zip(layout, path.parts[:-1], strict=False))
        return said | matched(self.pattern, path)
