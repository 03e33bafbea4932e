"""EmoDB: seven emotions acted in German, 535 clips at 16 kHz by ten speakers.

There is no official split. The usual protocol leaves one speaker out, so each speaker is a fold and a group. Numbers from random splits
(92 % and more) have every test speaker in training, and are not comparable.

Known faults: ten fixed sentences, each said in most emotions, so the words are on both sides of any split; speakers and emotions are
unbalanced (127 angry, 46 disgusted); clips that fewer than 80 % of listeners recognised were left out when it was published.

Layouts: `wav/03a01Fa.wav` as published (speaker 03, text a01, emotion F, version a), and the same names in any format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from auricle.datasets._download import Archive, Progress, download
from auricle.datasets._files import home, sound_files
from auricle.types import Item, TaskKind

_NAME = re.compile(r"(?P<speaker>\d\d)(?P<text>[ab]\d\d)(?P<emotion>[WLEAFTN])(?P<version>[a-z])?$")
# German initials: Wut, Langeweile, Ekel, Angst, Freude, Trauer.
_EMOTIONS = {"W": "anger", "L": "boredom", "E": "disgust", "A": "fear", "F": "happiness", "T": "sadness", "N": "neutral"}

_ARCHIVE = Archive(
    "http://emodb.bilderbar.info/download/download.zip",
    "download.zip",
    pattern="wav/*.wav",
    contents="3aafab06fa8a62a8af26e96b06057a02042e44714d4627e614dca55a509f8125",
    size=40_567_066,
)


class Emodb:
    """Acted emotions; fold = group = speaker."""

    title = "EmoDB, Berlin Database of Emotional Speech (535 clips, 7 emotions, 10 speakers, German)"
    license = "CC0 1.0"
    source = "http://emodb.bilderbar.info"
    citation = "F. Burkhardt et al., A Database of German Emotional Speech, Interspeech 2005"
    labels: tuple[str, ...] = tuple(sorted(_EMOTIONS.values()))
    kind: TaskKind = "single"
    example = ("wav/03a01Fa.wav", "wav/03a01Wa.wav", "wav/16b10Tb.wav", "wav/08a01Na.wav")
    folders = ("EmoDB", "EMO-DB", "emo-db")
    weights_may_ship = True

    def found(self, root: Path) -> bool:
        """Whether the folder is this corpus."""
        return home(root, "wav/03a01Fa.*", "emodb.csv", "wav/[01][0-9][ab][01][0-9][WLEAFTN][a-z].*") is not None

    def items(self, root: Path) -> Iterator[Item]:
        """Every clip, in the order of the names."""
        folder = (home(root, "wav/[01][0-9][ab][01][0-9][WLEAFTN]*.*") or root) / "wav"
        for path in sound_files(folder):
            name = _NAME.fullmatch(path.stem)
            if name:
                yield Item(folder / path, (_EMOTIONS[name["emotion"]],), fold=name["speaker"], group=name["speaker"])

    def download(self, root: Path, *, progress: Progress | None = None) -> Path:
        """The published archive (41 MB), unpacked into `root`."""
        return download(_ARCHIVE, root, progress=progress)
