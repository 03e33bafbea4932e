"""ESC-50: fifty everyday sounds, 2000 clips of 5 s, five official folds.

Clips cut from one Freesound recording stay within one fold; the group is that recording's number, so that no other split can separate
them either. Report the mean over all five folds, and never the best epoch on the fold that judges.

Known faults: short sounds are padded with digital silence, so a crop may hold nothing; Freesound is also
the source of UrbanSound8K, FSD50K, Clotho and WavCaps, so a model pretrained on those may have heard the test clips.

Layouts: `audio/1-100032-A-0.wav` with `meta/esc50.csv` as published, and the same names in any format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from auricle.datasets._download import Archive, Progress, download
from auricle.datasets._files import home, sound_files
from auricle.types import Item, TaskKind

_NAME = re.compile(r"(?P<fold>\d)-(?P<source>\d+)-(?P<take>[A-Z]+)-(?P<target>\d+)$")
_ANIMALS: tuple[str, ...] = ("dog", "rooster", "pig", "cow", "frog", "cat", "hen", "insects", "sheep", "crow")
_NATURE: tuple[str, ...] = (
    "rain",
    "sea_waves",
    "crackling_fire",
    "crickets",
    "chirping_birds",
    "water_drops",
    "wind",
    "pouring_water",
    "toilet_flush",
)
_NATURE += ("thunderstorm",)
_PEOPLE: tuple[str, ...] = (
    "crying_baby",
    "sneezing",
    "clapping",
    "breathing",
    "coughing",
    "footsteps",
    "laughing",
    "brushing_teeth",
    "snoring",
)
_PEOPLE += ("drinking_sipping",)
_INDOORS: tuple[str, ...] = (
    "door_wood_knock",
    "mouse_click",
    "keyboard_typing",
    "door_wood_creaks",
    "can_opening",
    "washing_machine",
    "vacuum_cleaner",
)
_INDOORS += ("clock_alarm", "clock_tick", "glass_breaking")
_TOWN = ("helicopter", "chainsaw", "siren", "car_horn", "engine", "train", "church_bells", "airplane", "fireworks", "hand_saw")

# The archive is made anew whenever its branch changes; both values are published for it.
_ARCHIVE = Archive(
    "https://github.com/karolpiczak/ESC-50/archive/master.zip",
    "ESC-50-master.zip",
    ("sha256:805afc618aff80eff0641d51311647871fead5807da68bb18e43a27db47a79ce", "md5:7771e4b9d86d0945acce719c7a59305a"),
    645_695_005,
)


class Esc50:
    """Fifty everyday sounds, in the order of the target numbers; group = Freesound recording."""

    title = "ESC-50 (2000 clips of 5 s, 50 everyday sounds, 5 folds)"
    license = "CC BY-NC 3.0"
    source = "https://github.com/karolpiczak/ESC-50"
    citation = "K. J. Piczak, ESC: Dataset for Environmental Sound Classification, ACM Multimedia 2015, doi:10.1145/2733373.2806390"
    labels: tuple[str, ...] = _ANIMALS + _NATURE + _PEOPLE + _INDOORS + _TOWN
    kind: TaskKind = "single"
    example = ("audio/1-100032-A-0.wav", "audio/1-100038-A-14.wav", "audio/4-102844-A-49.wav", "audio/5-9032-A-0.wav")
    folders = ("ESC-50", "ESC-50-master", "esc-50")
    weights_may_ship = False

    def found(self, root: Path) -> bool:
        """Whether the folder is this corpus."""
        return home(root, "meta/esc50.csv", "esc50.csv", "audio/1-100032-A-0.*") is not None

    def items(self, root: Path) -> Iterator[Item]:
        """Every clip, in the order of the names."""
        folder = (home(root, "audio/[1-5]-*-*-*.*") or root) / "audio"
        for path in sound_files(folder):
            name = _NAME.fullmatch(path.stem)
            if name and int(name["target"]) < len(self.labels):
                yield Item(folder / path, (self.labels[int(name["target"])],), fold=name["fold"], group=name["source"])

    def download(self, root: Path, *, progress: Progress | None = None) -> Path:
        """The published archive (646 MB), unpacked into `root`."""
        return download(_ARCHIVE, root, progress=progress)
