"""Speak words in many voices, as labelled clips to train a keyword model with."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from auricle.errors import AuricleError, RequestError
from auricle.types import Clip, Skipped

if TYPE_CHECKING:
    from auricle.audio.speak import Espeak, Utterance

_COLUMNS = ("group", "pitch", "speed", "amplitude", "text")


@dataclass(frozen=True, slots=True)
class Synthesised:
    """Clips that were made.

    Args:
        folder: with clips.csv.
        clips: of each label.
        voices: that speak.
        skipped: words and voices that were left out.
    """

    folder: Path
    clips: dict[str, int]
    voices: int
    skipped: tuple[Skipped, ...] = ()

    def text(self) -> str:
        """How many there are, and what they are for."""
        said = f"{sum(self.clips.values())} clips of {len(self.clips)} words by {self.voices} voices in {self.folder}"
        return f"{said}\nnext     auricle train DATA --also {self.folder}\n         auricle train {self.folder}"

    def tree(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"folder": str(self.folder), "clips": self.clips, "voices": self.voices}


def synthesise(
    words: str,
    *,
    out: Path,
    clips: int = 50,
    language: str = "en",
    voices: str = "",
    pitch: str = "20..80",
    speed: str = "120..220",
    amplitude: str = "50..150",
    sample_rate: int = 16_000,
    suffix: Literal["wav", "flac"] = "wav",
    seed: int = 0,
) -> Synthesised:
    """Speak words through espeak-ng, a program that the machine must have, each clip in a voice and manner of its own.

    The folder is labelled data like any other: a folder per word, and clips.csv, whose group is the voice.

    Args:
        words: words with commas between, or a text file with one a line; a line may be label, tab, what to say.
        out: folder for the clips.
        clips: of each word.
        language: whose accents speak, each in twelve variants.
        voices: in place of that, voices with commas between, such as en-us+f2,en-gb.
        pitch: from where to where it is drawn, 0 to 99.
        speed: words a minute.
        amplitude: 0 to 200.
        sample_rate: of the clips.
        suffix: format of the clips.
        seed: decides every draw.

    Returns:
        What was made.

    Raises:
        AuricleError: espeak-ng is not installed.
        RequestError: no word, no voice, or no range.
    """
    from auricle.audio.speak import Espeak, Manner
    from auricle.datasets._made import Shelf, unfit
    from auricle.verbs._bars import bar_of, bars

    if clips < 1 or sample_rate < 1:
        raise RequestError(f"clips is {clips} and sample_rate {sample_rate}; wanted at least 1 of each")
    manner = Manner(_range("pitch", pitch, 0, 99), _range("speed", speed, 80, 500), _range("amplitude", amplitude, 1, 200))
    lines = _lines(words)
    engine = Espeak()
    speaking, skipped = _speaking(engine, voices, language)
    shelf = Shelf(out, columns=_COLUMNS, suffix=suffix)
    made: Counter[str] = Counter()
    with bars() as display, ThreadPoolExecutor(os.cpu_count()) as pool:
        tick = bar_of(display)("speaking", len(lines) * clips)
        for label, text in lines:
            if unfit(label):
                skipped.append(Skipped(Path(label or text), unfit(label)))
                continue
            drawn = [manner.draw(text, speaking, number=number, seed=seed) for number in range(clips)]
            failed: list[AuricleError] = []
            for utterance, clip in zip(drawn, pool.map(partial(_said, engine, sample_rate), drawn), strict=True):
                tick()
                if isinstance(clip, AuricleError):
                    failed.append(clip)
                    continue
                shelf.add(label, clip, _row(utterance))
                made[label] += 1
            if failed:
                skipped.append(Skipped(Path(label), f"{len(failed)} of {clips} clips of it could not be made; the first: {failed[0]}"))
    if not made:
        raise RequestError(f"nothing of {words!r} was said: {skipped[-1].reason}")
    shelf.close({"by": engine.version(), "seed": seed, "pitch": pitch, "speed": speed, "amplitude": amplitude})
    return Synthesised(out, dict(made), min(clips, len(speaking)), tuple(skipped))


def _speaking(engine: Espeak, voices: str, language: str) -> tuple[tuple[str, ...], list[Skipped]]:
    """The voices that can be had, and those that were asked for and can't."""
    if not voices:
        return engine.voices(language), []
    asked = dict.fromkeys(each.strip() for each in voices.split(","))
    lacking = {voice: why for voice in asked if (why := engine.lacks(voice))}
    if len(lacking) == len(asked):
        raise RequestError(
            f"none of the voices {voices!r} can be had: {next(iter(lacking.values()))}", hint="espeak-ng --voices lists them"
        )
    return tuple(voice for voice in asked if voice not in lacking), [Skipped(Path(voice), why) for voice, why in lacking.items()]


def _said(engine: Espeak, sample_rate: int, utterance: Utterance) -> Clip | AuricleError:
    from auricle.audio.resample import resample

    try:
        clip = engine.speak(utterance)
    except AuricleError as wrong:
        return wrong
    return Clip(resample(clip.samples, clip.sample_rate, sample_rate), sample_rate)


def _row(utterance: Utterance) -> dict[str, object]:
    said = asdict(utterance)
    return {"group": said.pop("voice"), **said}


def _lines(words: str) -> list[tuple[str, str]]:
    """Label and what to say, each pair once."""
    path = Path(words).expanduser()
    if path.is_file():
        rows = path.read_text(encoding="utf-8-sig").splitlines()
    elif "," not in words and (os.sep in words or path.suffix in (".txt", ".tsv", ".csv")):
        raise RequestError(f"{words} is not there; wanted a text file, or words with commas between")
    else:
        rows = words.split(",")
    pairs = [row.partition("\t") for row in rows if row.strip()]
    found = dict.fromkeys((label.strip(), text.strip() or label.strip().replace("_", " ")) for label, _, text in pairs)
    if not found:
        raise RequestError(f"{words!r} holds no word; wanted words with commas between, or a text file with one a line")
    return list(found)


def _range(name: str, text: str, least: int, most: int) -> tuple[int, int]:
    first, dots, last = text.partition("..")
    try:
        low, high = int(first), int(last if dots else first)
    except ValueError:
        low, high = most, least
    if not least <= low <= high <= most:
        raise RequestError(f"--{name} is {text!r}; wanted two whole numbers such as {least}..{most}, none beyond these")
    return low, high
