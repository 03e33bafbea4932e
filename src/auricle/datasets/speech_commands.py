"""Google Speech Commands, version 2: 35 English words, 105,829 clips of at most 1 s at 16 kHz by 2,618 speakers.

Official split by the published lists (84,843 train, 9,981 development, 11,005 test); where the lists are missing, by the published rule,
a hash of the speaker's code, which puts each speaker on one side. The group is that code.

`task = "12"` is the other published task: ten commands, `_unknown_` and `_silence_`. In each part `_unknown_` is drawn from the other 25
words and `_silence_` is cut at random from the noise recordings, each as many as a tenth of the command clips, as in the original code.
Differs from it in two points: the draw is by `seed` alone and the same for all, and a noise recording serves one part only, so that the
test's silence was never trained on.

Known faults: crowd-sourced, with cut, noisy, empty and wrong recordings; one person may have several codes. Version 1 and its 12-class
test archive are other tasks, not comparable.

Layout: `yes/0a7c2a8d_nohash_0.wav`, `_background_noise_/`, `testing_list.txt`, `validation_list.txt`.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import soundfile

from auricle.datasets._download import Archive, Progress, download
from auricle.datasets._files import home, sound_files
from auricle.datasets._text import read_text
from auricle.types import Item, TaskKind

_NOISE = "_background_noise_"
_COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
_OTHERS: tuple[str, ...] = (
    "backward",
    "bed",
    "bird",
    "cat",
    "dog",
    "eight",
    "five",
    "follow",
    "forward",
    "four",
    "happy",
    "house",
    "learn",
    "marvin",
)
_OTHERS += ("nine", "one", "seven", "sheila", "six", "three", "tree", "two", "visual", "wow", "zero")
_MOST = 2**27 - 1

_ARCHIVE = Archive(
    "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
    "speech_commands_v0.02.tar.gz",
    ("sha256:af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",),
    2_428_923_189,
)


class SpeechCommands:
    """Spoken words; group = speaker.

    Args:
        task: "35" words, sorted; or "12": ten commands in the published order, then `_unknown_` and `_silence_`.
        unknown: clips of `_unknown_` in a part, as a share of its command clips; for "12".
        silence: crops of `_silence_` in a part, as a share of its command clips; for "12".
        seed: draws both.
    """

    title = "Speech Commands v0.02 (105,829 clips, 35 words, 2,618 speakers, 16 kHz)"
    license = "CC BY 4.0"
    source = "https://arxiv.org/abs/1804.03209"
    citation = "P. Warden, Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition, 2018, arXiv:1804.03209"
    labels: tuple[str, ...] = tuple(sorted(_COMMANDS + _OTHERS))
    kind: TaskKind = "single"
    example = ("yes/0a7c2a8d_nohash_0.wav", "cat/2aa787cf_nohash_0.wav", "go/0ea0e2f4_nohash_1.wav", "yes/0a7c2a8d_nohash_1.wav")
    folders = ("speech_commands_v0.02", "SpeechCommands")
    weights_may_ship = True

    def __init__(self, *, task: Literal["35", "12"] = "35", unknown: float = 0.1, silence: float = 0.1, seed: int = 0) -> None:
        self.task, self.unknown, self.silence, self.seed = task, unknown, silence, seed
        if task == "12":
            self.labels = (*_COMMANDS, "_unknown_", "_silence_")

    def found(self, root: Path) -> bool:
        """Whether the folder is this corpus."""
        return home(root, "*/*_nohash_[0-9]*.*") is not None

    def items(self, root: Path) -> Iterator[Item]:
        """Every clip in the order of the paths; for "12" the commands, then what was drawn of the other words, then silence."""
        folder = home(root, "*/*_nohash_[0-9]*.*") or root
        words = list(self._words(folder))
        if self.task == "35":
            return iter(words)
        commands = [w for w in words if w.target[0] in _COMMANDS]
        drawn: list[Item] = []
        for part in ("train", "dev", "test"):
            size = sum(c.split == part for c in commands)
            others = [w for w in words if w.split == part and w.target[0] not in _COMMANDS]
            others.sort(key=lambda w: _rank(f"{self.seed} {w.target[0]}/{w.path.name}"))
            chosen = sorted(others[: math.ceil(size * self.unknown)], key=lambda w: w.path)
            drawn += [Item(w.path, ("_unknown_",), split=part, group=w.group) for w in chosen]
            drawn += self._silence(folder, part, math.ceil(size * self.silence))
        return iter(commands + drawn)

    def download(self, root: Path, *, progress: Progress | None = None) -> Path:
        """The published archive (2.4 GB), unpacked into `root`."""
        return download(_ARCHIVE, root, progress=progress)

    def _words(self, folder: Path) -> Iterator[Item]:
        named: dict[str, str] = {}
        for split, file in (("dev", "validation_list.txt"), ("test", "testing_list.txt")):
            if (folder / file).is_file():
                named |= dict.fromkeys(read_text(folder / file).split(), split)
        known = set(_COMMANDS + _OTHERS)
        for path in sound_files(folder):
            if len(path.parts) == 2 and path.parts[0] in known and "_nohash_" in path.name:
                split = named.get(path.with_suffix(".wav").as_posix(), "train") if named else part_of(path.name)
                yield Item(folder / path, (path.parts[0],), split=split, group=path.name.partition("_nohash_")[0])

    def _silence(self, folder: Path, part: str, count: int) -> Iterator[Item]:
        noises = [folder / _NOISE / p for p in sound_files(folder / _NOISE)]
        if len(noises) < 3:
            return
        share = {"test": noises[-1:], "dev": noises[-2:-1], "train": noises[:-2]}[part]
        ends = {noise: soundfile.info(noise).duration - 1.0 for noise in share}
        for index in range(count):
            noise = share[index % len(share)]
            start = round(_rank(f"{self.seed} {part} {index}") / 2**64 * max(ends[noise], 0.0), 3)
            yield Item(noise, ("_silence_",), start=start, stop=start + 1.0, split=part, group=f"noise {noise.stem}")


def part_of(name: str) -> str:
    """The part a recording belongs to, by the rule published with the corpus: a hash of what comes before `_nohash_`.

    Args:
        name: the file's name.

    Returns:
        "train", "dev" or "test".

    >>> part_of("0a7c2a8d_nohash_0.wav"), part_of("0a7c2a8d_nohash_4.wav")
    ('train', 'train')
    """
    speaker = re.sub(r"_nohash_.*$", "", name)
    percent = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16) % (_MOST + 1) * (100.0 / _MOST)
    return "dev" if percent < 10.0 else "test" if percent < 20.0 else "train"


def _rank(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
