"""RAVDESS speech: eight emotions acted in North American English, 1440 clips by 24 actors.

There is no official split. The folds are the usual six of four actors each (1–4, 5–8, …), two women and two men; the group is the actor.
Numbers from random splits (95 % and more) have every actor in training, and are not comparable.

Known faults: two sentences only, so the words are on both sides of any split; `neutral` has half the clips of the others; five of the
published files are stereo; a much-copied archive holds the whole tree twice, of which one is taken. Song and video files are left out.

Layouts: `Actor_01/03-01-01-01-01-01-01.wav` as published, and the same names in any folder and format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from auricle.datasets._download import Archive, Progress, download
from auricle.datasets._files import home, sound_files
from auricle.types import Item, Skipped, TaskKind

# modality 03 (sound only), channel 01 (speech), emotion, intensity, statement, repetition, actor
_NAME = re.compile(r"03-01-0(?P<emotion>[1-8])-0[12]-0[12]-0[12]-(?P<actor>[01]\d|2[0-4])$")

_ARCHIVE = Archive(
    "https://zenodo.org/records/1188976/files/Audio_Speech_Actors_01-24.zip",
    "Audio_Speech_Actors_01-24.zip",
    ("md5:bc696df654c87fed845eb13823edef8a",),
    208_468_073,
)


class Ravdess:
    """Acted emotions, in the order of their codes; six folds of four actors, group = actor."""

    title = "RAVDESS speech (1440 clips, 8 emotions, 24 actors, English)"
    license = "CC BY-NC-SA 4.0"
    source = "https://zenodo.org/records/1188976"
    citation = "S. R. Livingstone, F. A. Russo, PLoS ONE 13(5): e0196391, 2018, doi:10.1371/journal.pone.0196391"
    labels: tuple[str, ...] = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
    kind: TaskKind = "single"
    example = ("Actor_01/03-01-01-01-01-01-01.wav", "Actor_01/03-01-05-02-01-01-01.wav", "Actor_24/03-01-08-02-02-02-24.wav")
    folders = ("RAVDESS", "Audio_Speech_Actors_01-24")
    weights_may_ship = False

    def found(self, root: Path) -> bool:
        """Whether the folder is this corpus."""
        return home(root, "Actor_[0-2][0-9]/03-01-*", "ravdess.csv", "audio/03-01-0[1-8]-0[12]-0[12]-0[12]-[0-2][0-9].*") is not None

    def items(self, root: Path) -> Iterator[Item]:
        """Every clip of speech, in the order of the paths; of two of one name, the first."""
        return (found for found in self._read(root) if isinstance(found, Item))

    def skipped(self, root: Path) -> Iterator[Skipped]:
        """Clips that are there twice."""
        return (found for found in self._read(root) if isinstance(found, Skipped))

    def _read(self, root: Path) -> Iterator[Item | Skipped]:
        seen: dict[str, Path] = {}
        for path in sound_files(root):
            name = _NAME.fullmatch(path.stem)
            if not name:
                continue
            if path.stem in seen:
                yield Skipped(root / path, f"is the same recording as {seen[path.stem]}")
                continue
            seen[path.stem] = path
            fold = str((int(name["actor"]) - 1) // 4 + 1)
            yield Item(root / path, (self.labels[int(name["emotion"]) - 1],), fold=fold, group=name["actor"])

    def download(self, root: Path, *, progress: Progress | None = None) -> Path:
        """The published archive (208 MB), unpacked into `root`."""
        return download(_ARCHIVE, root, progress=progress)
