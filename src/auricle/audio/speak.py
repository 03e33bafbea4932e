"""Text to speech through espeak-ng, a program that the machine must have: its voices, what is drawn for a clip, and the clip.

A voice is a language and, behind a plus, a variant of the speaker, in the program's own words: `en-gb-scotland+f2`. The program computes
the same samples for the same words each time (formant synthesis), so that what was drawn decides every clip.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auricle.audio.read import read
from auricle.audio.trim import trimmed
from auricle.errors import AudioError, AuricleError, RequestError
from auricle.types import Clip, Seconds

VARIANTS = (*(f"m{n}" for n in range(1, 8)), *(f"f{n}" for n in range(1, 6)))
"""Men and women of every espeak-ng; the others are robots, imitations and whispers."""

_PROGRAM = "espeak-ng"
_PATIENCE: Seconds = 60.0
_MARGIN: Seconds = 0.01


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something to be said, and how.

    Args:
        text: words.
        voice: language and variant.
        pitch: 0 to 99; 50 is the voice's own.
        speed: words a minute.
        amplitude: 0 to 200; 100 is usual.
    """

    text: str
    voice: str
    pitch: int = 50
    speed: int = 175
    amplitude: int = 100


@dataclass(frozen=True, slots=True)
class Manner:
    """From what the way of speaking is drawn, both ends included.

    Args:
        pitch: least and most, 0 to 99.
        speed: least and most, words a minute.
        amplitude: least and most, 0 to 200.
    """

    pitch: tuple[int, int] = (20, 80)
    speed: tuple[int, int] = (120, 220)
    amplitude: tuple[int, int] = (50, 150)

    def draw(self, text: str, voices: tuple[str, ...], *, number: int, seed: int) -> Utterance:
        """The same for the same text, number and seed, whatever else is said.

        Args:
            text: words.
            voices: to choose from: all of them in a drawn order, the same for every text, before one comes again.
            number: of the clip, from 0.
            seed: decides.

        Returns:
            What to say and how.
        """
        turn = sorted(voices, key=lambda voice: _hash(f"{seed} {voice}"))
        chance = np.random.default_rng(_hash(f"{seed} {text} {number}"))
        drawn = [int(chance.integers(low, high, endpoint=True)) for low, high in (self.pitch, self.speed, self.amplitude)]
        return Utterance(text, turn[number % len(turn)], *drawn)


class Espeak:
    """The program, found on this machine.

    Raises:
        AuricleError: it isn't installed.
    """

    def __init__(self) -> None:
        self._program = shutil.which(_PROGRAM) or ""
        if not self._program:
            raise AuricleError(f"{_PROGRAM}, which speaks, is not on this machine", hint=f"apt install {_PROGRAM}; brew install {_PROGRAM}")

    def version(self) -> str:
        """What the program says of itself."""
        return self._listed("--version").strip().partition("  ")[0]

    def voices(self, language: str) -> tuple[str, ...]:
        """All accents of a language, each in every variant.

        Args:
            language: such as "en", which finds en-gb, en-us and others.

        Returns:
            Voices in a fixed order.

        Raises:
            RequestError: there is no voice of this language.
        """
        accents = sorted({name for name, file in self._files(language) if not file.startswith(("mb/", "!v/"))})  # mb/ needs MBROLA too
        if not accents:
            raise RequestError(f"{_PROGRAM} has no voice of the language {language!r}", hint=f"{_PROGRAM} --voices lists them")
        return tuple(f"{accent}+{variant}" for accent in accents for variant in VARIANTS)

    def lacks(self, voice: str) -> str:
        """Why a voice can't be had.

        Args:
            voice: language and variant.

        Returns:
            A sentence, or "" for a voice that can.
        """
        language, _, variant = voice.partition("+")
        # An unknown variant would be passed over without a word, and the plain voice would speak under its name.
        if variant and variant not in {file.removeprefix("!v/") for _, file in self._files("variant")}:
            return f"{_PROGRAM} has no variant {variant!r} of a voice"
        done = subprocess.run([self._program, "-q", "-v", language, "a"], capture_output=True, timeout=_PATIENCE, check=False)
        return f"{_PROGRAM} has no voice {language!r}" if done.returncode or not language else ""

    def speak(self, utterance: Utterance) -> Clip:
        """The words as sound, without silence before and after.

        Args:
            utterance: what to say and how.

        Returns:
            [1, T] full scale ±1, at the program's own sample rate.

        Raises:
            AudioError: nothing comes out: there is nothing to pronounce in it, or the program failed.
        """
        words = {"-v": utterance.voice, "-p": utterance.pitch, "-s": utterance.speed, "-a": utterance.amplitude}
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "said.wav"
            options = [str(word) for pair in words.items() for word in pair]
            done = subprocess.run(
                [self._program, "-b", "1", *options, "--stdin", "-w", str(file)],
                input=utterance.text.encode(),  # not an argument: words may begin with a hyphen
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
            )
            if done.returncode or not file.is_file():
                told = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
                raise AudioError(f"{utterance.text!r} was not said by the voice {utterance.voice}: {told[0]}")
            clip = read(file)
        samples = trimmed(clip.samples, margin=round(_MARGIN * clip.sample_rate))
        if not samples.shape[-1]:
            raise AudioError(f"{utterance.text!r} holds nothing that the voice {utterance.voice} pronounces")
        return Clip(np.ascontiguousarray(samples), clip.sample_rate, decoder=clip.decoder)

    def _files(self, language: str) -> list[tuple[str, str]]:
        """Language and file of each voice that the program lists."""
        rows = [line.split() for line in self._listed(f"--voices={language}").splitlines()[1:]]
        return [(row[1], row[4]) for row in rows if len(row) > 4]

    def _listed(self, option: str) -> str:
        done = subprocess.run([self._program, option], capture_output=True, timeout=_PATIENCE, check=False)
        return done.stdout.decode(errors="replace")


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
