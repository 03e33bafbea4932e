"""ESC-10: ten everyday sounds, 400 clips of 5 s, five official folds.

The subset of ESC-50 under a freer licence: CC BY 3.0 as a whole. Clips cut from one Freesound recording stay within one fold; the group
is that recording's number, so that no other split can separate them either.

Known faults: short sounds are padded with digital silence, so a crop may hold nothing; 14 clips decode slightly above full scale.

Layouts: `001 - Dog bark/1-100032-A.ogg` as ESC-10 was published, and ESC-50's `audio/1-100032-A-0.wav`, of which ten classes are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from auricle.datasets._download import Archive, Progress, download
from auricle.datasets._files import home, sound_files
from auricle.types import Item, TaskKind

_OWN = re.compile(r"(?P<fold>\d)-(?P<source>\d+)-(?P<take>[A-Z]+)$")
_FIFTY = re.compile(r"(?P<fold>\d)-(?P<source>\d+)-(?P<take>[A-Z]+)-(?P<target>\d+)$")
_TARGETS = {0: "dog", 10: "rain", 11: "sea_waves", 20: "crying_baby", 38: "clock_tick"}
_TARGETS |= {21: "sneezing", 40: "helicopter", 41: "chainsaw", 1: "rooster", 12: "crackling_fire"}
_FOLDERS: tuple[str, ...] = ("001 - Dog bark", "002 - Rain", "003 - Sea waves", "004 - Baby cry", "005 - Clock tick")
_FOLDERS += ("006 - Person sneeze", "007 - Helicopter", "008 - Chainsaw", "009 - Rooster", "010 - Fire crackling")

# The last commit that holds the sounds. Made anew for each request, so its contents are checked instead: these 400 files, byte for byte.
_ARCHIVE = Archive(
    "https://github.com/karolpiczak/ESC-10/archive/553c8f1743b9dba6b282e1323c3ca8fa76923448.zip",
    "ESC-10.zip",
    pattern="*/*.ogg",
    contents="a2e4e84b7a1f08e61d38bdcca4b947cc9919d1b275b3fb5ce1ad198d3640a458",
    size=41_500_000,
)


class Esc10:
    """Ten everyday sounds, named as in ESC-50 and in ESC-10's own order; group = Freesound recording."""

    title = "ESC-10 (400 clips of 5 s, 10 everyday sounds, 5 folds)"
    license = "CC BY 3.0"
    source = "https://github.com/karolpiczak/ESC-10"
    citation = "K. J. Piczak, ESC: Dataset for Environmental Sound Classification, ACM Multimedia 2015, doi:10.1145/2733373.2806390"
    labels: tuple[str, ...] = tuple(_TARGETS.values())
    kind: TaskKind = "single"
    example = ("001 - Dog bark/1-100032-A.ogg", "001 - Dog bark/1-110389-A.ogg", "010 - Fire crackling/5-215658-A.ogg")
    folders = ("ESC-10", "ESC-10-master", "esc-10")
    weights_may_ship = True

    def found(self, root: Path) -> bool:
        """Whether the folder is this corpus, in its own layout."""
        return home(root, "001 - Dog bark/*", "esc10.csv") is not None

    def items(self, root: Path) -> Iterator[Item]:
        """Every clip, in the order of the names."""
        own = home(root, "001 - Dog bark/*", "010 - Fire crackling/*")
        if own is not None:
            labels = dict(zip(_FOLDERS, self.labels, strict=True))
            for path in sound_files(own):
                name = _OWN.fullmatch(path.stem)
                if name and path.parts[0] in labels:
                    yield Item(own / path, (labels[path.parts[0]],), fold=name["fold"], group=name["source"])
            return
        fifty = home(root, "audio/[1-5]-*-*-*.*") or root
        for path in sound_files(fifty / "audio"):
            name = _FIFTY.fullmatch(path.stem)
            if name and int(name["target"]) in _TARGETS:
                label = _TARGETS[int(name["target"])]
                yield Item(fifty / "audio" / path, (label,), fold=name["fold"], group=name["source"])

    def download(self, root: Path, *, progress: Progress | None = None) -> Path:
        """The published archive (41 MB), unpacked into `root`."""
        return download(_ARCHIVE, root, progress=progress)
