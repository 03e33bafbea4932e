"""One augmentation before and after, as sound and as picture: what `show augments NAME --listen` writes and the docs show."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auricle import catalog
from auricle.audio.waveform import waveform
from auricle.audio.write import write
from auricle.augments._stage import changed
from auricle.datasets import sketches
from auricle.reports import _spectrogram
from auricle.types import Batch, Clip, Seconds, Spec

SAMPLE_RATE = 16_000
LONGEST: Seconds = 10.0
_ROOM = 1.3  # of the row beside the clip: what a slower sound needs
_COLUMNS, _WAVE_ROWS, _GAP = 300, 40, 6

Wave = NDArray[np.float32]
Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Heard:
    """An effect on one sound.

    Args:
        before: [T] the sound.
        after: [T] what the effect made of it; None where it works behind the front end, where there is no sound.
        image: [rows, columns] brightness of before and after side by side, or [rows, columns, 3] colours.
        values: what was drawn, one line a value.
    """

    before: Wave
    after: Wave | None
    image: Image
    values: dict[str, str]

    def png(self) -> bytes:
        """The picture as a file."""
        return _spectrogram.png(self.image) if self.image.ndim == 2 else _coloured(self.image)

    def save(self, folder: Path, stem: str) -> list[Path]:
        """The files, written.

        Args:
            folder: made where it isn't there.
            stem: how their names begin.

        Returns:
            Their paths: `…_before.wav`, `…_after.wav` where there is one, and `….png`.
        """
        folder.mkdir(parents=True, exist_ok=True)
        picture = folder / f"{stem}.png"
        picture.write_bytes(self.png())
        sounds = {"before": self.before, "after": self.after}
        written = [
            write(folder / f"{stem}_{when}.wav", Clip(samples[None], SAMPLE_RATE))
            for when, samples in sounds.items()
            if samples is not None
        ]
        return [*written, picture]


def heard(name: str, sound: Path, *, settings: dict[str, object], seed: int = 0) -> Heard:
    """An effect on a file.

    Args:
        name: of the augmentation, or a Python file's.
        sound: the file; its first ten seconds are taken, at 16 kHz.
        settings: of the augmentation; it is applied for certain unless they say `p`.
        seed: another one draws other values.

    Returns:
        Before and after.
    """
    samples, _ = waveform(sound, sample_rate=SAMPLE_RATE, stop=LONGEST)
    return on(name, samples, settings=settings, seed=seed)


def on(name: str, samples: Wave, *, settings: dict[str, object], seed: int = 0) -> Heard:
    """An effect on a sound.

    Args:
        name: of the augmentation, or a Python file's.
        samples: [T] full scale ±1 at 16 kHz.
        settings: of the augmentation; it is applied for certain unless they say `p`.
        seed: another one draws other values.

    Returns:
        Before and after.
    """
    # Pictures are shown as they are, not as ImageNet's networks want them.
    plain = {"normalise": "none"} if any(each.name == "normalise" for each in catalog.settings("augments", name)) else {}
    effect = catalog.make("augments", Spec(name, {"p": 1.0, **plain, **settings}), SAMPLE_RATE)
    rng = torch.Generator().manual_seed(seed)
    row = torch.zeros(1, round(_ROOM * len(samples)))
    row[0, : len(samples)] = torch.from_numpy(samples.copy())
    length = torch.tensor([len(samples)])
    if effect.domain == "wave":
        kept = _Kept(effect)
        made, after = changed(kept, row, length, rng=rng)
        return _sounds(samples, made[0, : int(after[0])].numpy(), kept.drawn)
    if effect.domain == "batch" and getattr(effect, "on", "wave") == "wave":
        batch, values = _mixed(effect, Batch(row, length, torch.eye(2)[:1]), _other(row.shape[-1]), rng=rng)
        return _sounds(samples, batch.wave[0, : int(batch.length[0])].numpy(), values)
    return _behind(effect, samples, rng=rng)


class _Kept:
    """An effect that remembers what it drew.

    Args:
        effect: of domain "wave".
    """

    domain = "wave"

    def __init__(self, effect: Any) -> None:
        self.effect = effect
        self.drawn: dict[str, Tensor] = {}
        if hasattr(effect, "stretched"):
            self.stretched = effect.stretched

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        self.drawn = self.effect.draw(rng, shape)
        return self.drawn

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        made: Tensor = self.effect.apply(wave, values)
        return made


def _other(total: int) -> tuple[Tensor, Tensor]:
    """A second sound for effects that need one: [1, T] a made-up siren, and [1] its length."""
    rng = np.random.default_rng(3)
    siren = torch.from_numpy(sketches.sketch("siren", replace(sketches.maker(2), noise=-60.0, hum=-60.0), rng=rng))
    row = torch.zeros(1, total)
    row[0, : len(siren)] = siren[:total]
    return row, torch.tensor([min(total, len(siren))])


def _mixed(effect: Any, one: Batch, other: tuple[Tensor, Tensor], *, rng: torch.Generator) -> tuple[Batch, dict[str, Tensor]]:
    both = Batch(torch.cat([one.wave, other[0]]), torch.cat([one.length, other[1]]), torch.eye(2))
    values = effect.draw(rng, both.wave.shape) | {"partner": torch.tensor([1, 0])}
    return effect.apply(both, values), values


def _behind(effect: Any, samples: Wave, *, rng: torch.Generator) -> Heard:
    """Before and after behind the front end: log-mel, or a picture for what only pictures have."""
    picture = effect.domain == "picture"
    spec = Spec("picture", {"colours": "viridis", "normalise": "none", "height": 96, "width": 150}) if picture else Spec("log_mel")
    front = catalog.make("frontends", spec, SAMPLE_RATE)
    wave, length = torch.from_numpy(samples.copy())[None], torch.tensor([len(samples)])
    if hasattr(front, "fit"):
        front.fit([(wave, length)])
    with torch.no_grad():
        feature, frames = front(wave, length)
        if effect.domain == "batch":
            second = front(*_other(len(samples)))
            batch, values = _mixed(effect, Batch(feature, frames, torch.eye(2)[:1]), second, rng=rng)
            made = batch.wave[:1]
        else:
            values = effect.draw(rng, feature.shape)
            made = effect.apply(feature, values)
    pair = torch.stack([feature[0], made[0]]).numpy()
    low, high = (0.0, 1.0) if picture else (pair.min(), pair.max())
    bright = np.round(255 * (pair - low) / max(high - low, 1e-9)).astype(np.uint8)
    if picture:
        return Heard(samples, None, _beside(*bright.transpose(0, 2, 3, 1)), _told(values))
    columns = np.linspace(0, bright.shape[2] - 1, _COLUMNS).round().astype(int)
    return Heard(samples, None, _beside(*bright[:, ::-1, columns].repeat(2, axis=1)), _told(values))


def _sounds(before: Wave, after: Wave, values: dict[str, Tensor]) -> Heard:
    """Spectrogram over wave, both sounds to one scale."""
    total = max(len(before), len(after), 1)
    pair = [np.pad(each, (0, total - len(each))) for each in (before, after)]
    # One picture of both, so that a change of level can be seen.
    level = _spectrogram.spectrogram(np.concatenate(pair), sample_rate=SAMPLE_RATE, columns=2 * _COLUMNS, rows=96)
    top = max(float(np.abs(each).max()) for each in pair) or 1.0
    waves = [_envelope(each / top, columns=_COLUMNS) for each in pair]
    halves = [
        np.concatenate([half, np.zeros((_GAP, _COLUMNS), np.uint8), wave])
        for half, wave in zip((level[:, :_COLUMNS], level[:, _COLUMNS:]), waves, strict=True)
    ]
    return Heard(before, after, _beside(*halves), _told(values))


def _beside(first: Image, second: Image) -> Image:
    gap = np.full((first.shape[0], _GAP, *first.shape[2:]), 255, np.uint8)
    return np.concatenate([first, gap, second], axis=1)


def _envelope(samples: Wave, *, columns: int) -> Image:
    """[rows, columns] from the lowest to the highest sample of each column."""
    edges = np.linspace(0, len(samples), columns + 1).astype(int)
    parts = [samples[a : max(a + 1, b)] for a, b in pairwise(edges)]
    low, high = (np.array([f(part) if part.size else 0.0 for part in parts]) for f in (np.min, np.max))
    at = np.linspace(1, -1, _WAVE_ROWS)[:, None]
    half = 1 / _WAVE_ROWS
    return (170 * ((at >= low - half) & (at <= high + half))).astype(np.uint8)


def _coloured(image: Image) -> bytes:
    from io import BytesIO

    from matplotlib.image import imsave

    file = BytesIO()
    imsave(file, image, format="png")
    return file.getvalue()


def _told(values: dict[str, Tensor]) -> dict[str, str]:
    """What was drawn for the first row, where it is short enough to be said."""
    told = {}
    for name, value in values.items():
        first = value[0]
        if first.numel() <= 4:
            told[name] = ", ".join(f"{each:.4g}" for each in first.flatten().tolist())
        elif first.dtype == torch.bool:
            told[name] = f"{int(first.sum())} of {first.numel()}"
    return told
