"""Free Spoken Digit Dataset: ten English digits by six speakers, 3000 short clips at 8 kHz.

Official split: recordings 0–4 of each speaker and digit are the test (300), 5–49 train (2700). The same six speakers are on both sides,
so the official number says nothing about a new voice; leave one speaker out (`rule = "group"`) does, and is commonly 10 to 15 points lower.

Known faults: clips were trimmed by hand and by threshold, so some begin or end inside the word; lengths run from 0.14 to 2.3 s; levels
differ between speakers by 20 dB and more.

Layouts: `recordings/0_george_0.wav` as published, and the same names in any format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from auricle.datasets._download import Archive, Progress, download
from auricle.datasets._files import home, sound_files
from auricle.types import Item, TaskKind

_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)$")

# Made anew for each request, so its contents are checked instead: these 3000 files, byte for byte.
_ARCHIVE = Archive(
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/26eb9aaf76e81b692f806f9140c2d2777410d7a1.zip",
    "free-spoken-digit-dataset.zip",
    pattern="recordings/*.wav",
    contents="6a1aafacf40d8a7aeda379f079a39ca7e165fe03f4ed5d63a2ab25f3a8420685",
    size=16_600_000,
)


class Fsdd:
    """Spoken digits; labels "0" … "9", group = speaker."""

    title = "Free Spoken Digit Dataset (3000 clips, 10 digits, 6 speakers, 8 kHz)"
    license = "CC BY-SA 4.0"
    source = "https://github.com/Jakobovski/free-spoken-digit-dataset"
    citation = "Z. Jackson et al., Free Spoken Digit Dataset, v1.0.10, 2018, doi:10.5281/zenodo.1342401"
    labels: tuple[str, ...] = tuple("0123456789")
    kind: TaskKind = "single"
    example = ("recordings/0_george_0.wav", "recordings/7_theo_4.wav", "recordings/7_theo_5.wav", "recordings/9_yweweler_49.wav")
    folders = ("free-spoken-digit-dataset",)
    weights_may_ship = True

    def found(self, root: Path) -> bool:
        """Whether the folder is this corpus."""
        return home(root, "recordings/[0-9]_george_[0-9]*.*", "recordings/[0-9]_jackson_[0-9]*.*") is not None

    def items(self, root: Path) -> Iterator[Item]:
        """Every recording, in the order of the names."""
        folder = home(root, "recordings/[0-9]_*_[0-9]*.*") or root
        for path in sound_files(folder / "recordings"):
            name = _NAME.fullmatch(path.stem)
            if name:
                split = "test" if int(name["index"]) < 5 else "train"
                yield Item(folder / "recordings" / path, (name["digit"],), split=split, group=name["speaker"])

    def download(self, root: Path, *, progress: Progress | None = None) -> Path:
        """The published archive (16 MB), unpacked into `root`."""
        return download(_ARCHIVE, root, progress=progress)
