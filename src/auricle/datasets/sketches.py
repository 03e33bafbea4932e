"""Ten made-up sounds, drawn by a small synthesiser: what `auricle demo` learns where no recordings are at hand. Not real sound.

Bell, knock, siren, rain, engine, whistle, clap, buzzer and the vowels "ah" and "ee", by ten makers: 10 makers x 10 sounds x 6 clips of 1
to 2 s at 16 kHz. A maker is a group, with a voice, a room, a microphone, a noise floor and a manner of its own, and the makers' ranges
overlap, so that a maker who was never heard is a real test: neither chance nor everything right. A score here shows that the pipe works;
it says nothing about real sound.

Licence: CC0, like everything that is only computed. Citation: none. Official split: none; groups are makers.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auricle.datasets._download import Progress
from auricle.datasets._files import home
from auricle.datasets._text import read_table
from auricle.errors import DataError
from auricle.types import Item, TaskKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Wave = NDArray[np.floating]

_RATE = 16_000
_MAKERS, _CLIPS = 10, 6


@dataclass(frozen=True, slots=True)
class Maker:
    """What all clips of one maker have in common.

    Args:
        pitch: factor on every frequency.
        length: factor on every decay and period.
        brightness: exponent of the spectral slope; 0 is flat, 1 halves each octave.
        room: seconds in which the room's echo falls by 60 dB.
        wet: level of the echo beside the direct sound.
        noise: level of the noise floor beside the sound, decibels.
        colour: slope of the noise floor's spectrum; 0 white, 1 pink, 2 brown.
        band: [2] hertz, what the microphone passes.
        hum: level of mains hum beside the sound, decibels.
    """

    pitch: float
    length: float
    brightness: float
    room: float
    wet: float
    noise: float
    colour: float
    band: tuple[float, float]
    hum: float


class Sketches:
    """Made-up sounds; group = maker."""

    title = "Sketches (600 synthetic clips, 10 sounds, 10 makers, 16 kHz)"
    license = "CC0 1.0"
    source = ""
    citation = ""
    labels: tuple[str, ...] = ("ah", "bell", "buzzer", "clap", "ee", "engine", "knock", "rain", "siren", "whistle")
    kind: TaskKind = "single"
    example = ("sketches.csv", "maker0/bell_0.wav", "maker9/ee_5.wav")
    texts = (("sketches.csv", "path,label,group\nmaker0/bell_0.wav,bell,maker0\nmaker9/ee_5.wav,ee,maker9\n"),)
    weights_may_ship = True
    made = True

    def found(self, root: Path) -> bool:
        """Whether the folder is this corpus."""
        return home(root, "sketches.csv") is not None

    def items(self, root: Path) -> Iterator[Item]:
        """Every clip, in the order of the paths."""
        folder = home(root, "sketches.csv")
        if folder is None:
            raise DataError(f"{root} holds no sketches.csv; wanted the folder that `download` makes")
        rows = sorted(read_table(folder / "sketches.csv")[1], key=lambda r: str(r.cells["path"]))
        return (Item(folder / str(r.cells["path"]), (str(r.cells["label"]),), group=str(r.cells["group"])) for r in rows)

    def download(self, root: Path, *, progress: Progress | None = None) -> Path:
        """The clips, computed and written into `root`; no network, a few seconds, the same on every machine up to rounding."""
        import numpy as np
        import soundfile

        if self.found(root):
            return root
        # Two processes may make it at once; the first to finish puts it in place.
        part = root.with_name(f"{root.name}.{os.getpid()}.part")
        part.mkdir(parents=True, exist_ok=True)
        rows: list[tuple[str, str, str]] = []
        for number in range(_MAKERS):
            one = maker(number)
            (part / f"maker{number}").mkdir(exist_ok=True)
            for label in self.labels:
                for take in range(_CLIPS):
                    name = f"maker{number}/{label}_{take}.wav"
                    rng = np.random.default_rng([number, self.labels.index(label), take])
                    soundfile.write(part / name, sketch(label, one, rng=rng), _RATE, subtype="PCM_16")
                    rows.append((name, label, f"maker{number}"))
                    if progress is not None:
                        progress(len(rows), _MAKERS * len(self.labels) * _CLIPS)
        with (part / "sketches.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([("path", "label", "group"), *rows])
        if root.is_dir() and not any(root.iterdir()):
            root.rmdir()
        try:
            part.replace(root)
        except OSError:
            if not self.found(root):
                raise
            shutil.rmtree(part)
        return root


def maker(number: int) -> Maker:
    """The maker of that number; always the same.

    Args:
        number: 0 or more.

    Returns:
        its manner.
    """
    import numpy as np

    rng = np.random.default_rng([77, number])
    return Maker(
        pitch=float(2 ** rng.uniform(-0.6, 0.6)),
        length=float(2 ** rng.uniform(-0.7, 0.7)),
        brightness=float(rng.uniform(0.2, 1.3)),
        room=float(rng.uniform(0.1, 0.9)),
        wet=float(rng.uniform(0.05, 0.6)),
        noise=float(rng.uniform(-32, -6)),
        colour=float(rng.uniform(0.0, 2.0)),
        band=(float(rng.uniform(30, 250)), float(rng.uniform(2500, 7600))),
        hum=float(rng.uniform(-50, -18)),
    )


def sketch(label: str, one: Maker, *, rng: np.random.Generator) -> NDArray[np.float32]:
    """One clip.

    Args:
        label: one of the ten.
        one: who makes it.
        rng: draws everything that differs from clip to clip.

    Returns:
        [T] float32, full scale ±1, 1 to 2 s at 16 kHz.
    """
    import numpy as np

    samples = int(_RATE * rng.uniform(1.0, 2.0))
    time = np.arange(samples) / _RATE
    dry = _SOUNDS[label](time, one, rng)
    onset = int(rng.uniform(0.0, 0.25) * samples)
    dry = np.concatenate([np.zeros(onset), dry])[:samples]
    echo = rng.standard_normal(int(_RATE * one.room)) * 10 ** (-3 * np.arange(int(_RATE * one.room)) / (_RATE * one.room))
    echo *= one.wet / np.sqrt(np.sum(echo**2))
    echo[0] += 1.0
    size = 1 << (samples + echo.size).bit_length()
    wave: Wave = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(echo, size), size)[:samples]
    wave /= np.sqrt(np.mean(wave**2)) + 1e-9
    floor = 10 ** ((one.noise + rng.uniform(-5, 5)) / 20)
    wave += floor * _coloured(samples, one.colour, rng)
    wave += 10 ** (one.hum / 20) * np.sin(2 * np.pi * 50 * time + rng.uniform(0, 6.28))
    wave = _shaped(wave, lambda f: 1 / np.sqrt((1 + (one.band[0] / np.maximum(f, 1)) ** 4) * (1 + (f / one.band[1]) ** 8)))
    level = 10 ** (rng.uniform(-14, -1) / 20)
    return np.asarray(wave * level / np.max(np.abs(wave)), dtype=np.float32)


def _shaped(wave: Wave, gain: Callable[[Wave], Wave]) -> Wave:
    import numpy as np

    size = 1 << (wave.size - 1).bit_length()
    return np.asarray(np.fft.irfft(np.fft.rfft(wave, size) * gain(np.fft.rfftfreq(size, 1 / _RATE)), size)[: wave.size])


def _coloured(samples: int, slope: float, rng: np.random.Generator) -> Wave:
    import numpy as np

    noise = _shaped(rng.standard_normal(samples), lambda f: np.maximum(f, 30.0) ** (-slope / 2))
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def _tone(time: Wave, hertz: Wave, slope: float, odd: bool) -> Wave:
    """Harmonics of a moving pitch, falling with `slope`; only odd ones for a hollow tone."""
    import numpy as np

    step = 2 if odd else 1
    turn = np.exp(2j * np.pi * np.cumsum(hertz) / _RATE)
    now, each = turn.copy(), turn**step
    total: Wave = np.zeros_like(time)
    for n in range(1, 41, step):
        audible = hertz * n < 7800
        if not audible.any():
            break
        total += np.where(audible, n**-slope, 0.0) * now.imag
        now *= each
    return total


def _drift(time: Wave, depth: float, rng: np.random.Generator) -> Wave:
    import numpy as np

    return np.asarray(1 + depth * np.sin(2 * np.pi * rng.uniform(3, 7) * time + rng.uniform(0, 6.28)) + rng.uniform(-2, 2) * depth * time)


def _bell(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    import numpy as np

    base = 520 * one.pitch * 2 ** rng.uniform(-0.5, 0.5)
    total: Wave = np.zeros_like(time)
    for n, ratio in enumerate((0.5, 1.0, 1.19, 1.5, 2.0, 2.74, 3.76)):
        decay = 0.5 * one.length * rng.uniform(0.6, 1.4) / ratio
        total += (n + 1) ** -one.brightness * np.exp(-time / decay) * np.sin(2 * np.pi * base * ratio * rng.uniform(0.99, 1.01) * time)
    return total


def _knock(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    return _strokes(time, one, rng, low=180 * one.pitch, high=900 * one.pitch, decay=0.02)


def _clap(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    return _strokes(time, one, rng, low=700 * one.pitch, high=3200 * one.pitch, decay=0.012)


def _strokes(time: Wave, one: Maker, rng: np.random.Generator, *, low: float, high: float, decay: float) -> Wave:
    import numpy as np

    total: Wave = np.zeros_like(time)
    at, gap = rng.uniform(0, 0.1), 0.22 * one.length * rng.uniform(0.7, 1.4)
    for _ in range(int(rng.integers(2, 6))):
        total += np.where(time >= at, np.exp(-np.maximum(time - at, 0) / (decay * one.length)), 0) * rng.uniform(0.5, 1)
        at += gap * rng.uniform(0.85, 1.15)
    edge = low * rng.uniform(0.7, 1.3), high * rng.uniform(0.7, 1.3)
    noise = _shaped(rng.standard_normal(time.size), lambda f: 1 / ((1 + (edge[0] / np.maximum(f, 1)) ** 2) * (1 + (f / edge[1]) ** 2)))
    return np.asarray(total * noise)


def _siren(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    import numpy as np

    swing = np.sin(2 * np.pi * rng.uniform(0.5, 2.5) / one.length * time + rng.uniform(0, 6.28))
    if rng.random() < 0.4:
        swing = np.tanh(6 * swing)
    return _tone(time, 800 * one.pitch * 2 ** (rng.uniform(0.2, 0.6) * swing), 1 + one.brightness, odd=bool(rng.random() < 0.5))


def _whistle(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    import numpy as np

    glide = 2 ** (rng.uniform(-0.6, 0.6) * np.tanh(4 * (time - rng.uniform(0.2, 0.8))))
    hertz = 1400 * one.pitch * 2 ** rng.uniform(-0.4, 0.4) * glide * _drift(time, 0.01, rng)
    breath = 0.2 * _coloured(time.size, 0.5, rng)
    return np.asarray((_tone(time, hertz, 3.0, odd=False) + breath) * np.exp(-(((time - 0.6 * one.length) / (0.45 * one.length)) ** 4)))


def _rain(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    import numpy as np

    drops = np.where(rng.random(time.size) < rng.uniform(0.002, 0.02), rng.exponential(8.0, time.size), 0.0)
    drops = _shaped(drops, lambda f: f / (f + 2500 * one.pitch))
    return rng.uniform(0.5, 1.0) * _coloured(time.size, 0.6 * one.brightness, rng) + drops


def _engine(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    import numpy as np

    hertz = 55 * one.pitch * 2 ** rng.uniform(-0.6, 0.8) * _drift(time, 0.04, rng)
    roughness = 1 + 0.5 * _shaped(rng.standard_normal(time.size), lambda f: (f < 25).astype(float)) * 10
    return np.asarray(_tone(time, hertz, 0.6 + one.brightness, odd=False) * roughness + 0.5 * _coloured(time.size, 1.5, rng))


def _buzzer(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    import numpy as np

    hertz = np.full(time.size, 140 * one.pitch * 2 ** rng.uniform(-0.6, 0.6))
    gate = (time % (0.6 * one.length) < 0.4 * one.length) if rng.random() < 0.4 else np.ones(time.size)
    return np.asarray(_tone(time, hertz, 0.3 + 0.6 * one.brightness, odd=True) * gate)


def _ah(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    return _vowel(time, one, rng, formants=(730.0, 1200.0, 2500.0))


def _ee(time: Wave, one: Maker, rng: np.random.Generator) -> Wave:
    return _vowel(time, one, rng, formants=(320.0, 2250.0, 2950.0))


def _vowel(time: Wave, one: Maker, rng: np.random.Generator, *, formants: tuple[float, float, float]) -> Wave:
    """A voice through three resonances (Peterson and Barney 1952, table II, between the men's and women's means)."""
    import numpy as np

    hertz = 150 * one.pitch * 2 ** rng.uniform(-0.3, 0.5) * _drift(time, 0.015, rng)
    tract = one.pitch**0.35
    peaks = [f * tract * rng.uniform(0.88, 1.12) for f in formants]

    def gain(f: Wave) -> Wave:
        return np.asarray(0.003 + np.sum([0.5**n / (1 + ((f - p) / (60 + 0.05 * p)) ** 2) for n, p in enumerate(peaks)], axis=0))

    voice = _shaped(_tone(time, hertz, 0.5 + 0.5 * one.brightness, odd=False) + 0.1 * rng.standard_normal(time.size), gain)
    edge = 0.05 * one.length
    return np.asarray(voice * (1 - np.exp(-time / edge)) * np.exp(-((time / (0.9 * one.length)) ** 4)))


_SOUNDS: dict[str, Callable[[Wave, Maker, np.random.Generator], Wave]] = {
    "bell": _bell,
    "knock": _knock,
    "siren": _siren,
    "rain": _rain,
    "engine": _engine,
    "whistle": _whistle,
    "clap": _clap,
    "ah": _ah,
    "ee": _ee,
    "buzzer": _buzzer,
}
