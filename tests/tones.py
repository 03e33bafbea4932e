"""A small corpus of made sounds, and the smallest network that learns it, for everything that trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from auricle import recipe as recipes
from auricle.learning import experiment
from auricle.learning.experiment import Prepared
from auricle.recipe import Recipe

TINY: dict[str, Any] = {
    "sample_rate": 8000,
    "frontend": {"name": "log_mel", "bins": 16},
    "model": {"name": "cnn", "width": 4, "blocks": [1, 1], "time_strides": [2, 2], "dim": 16, "dropout": 0.3},
    "augment": [
        {"name": "speed", "p": 0.5},
        {"name": "shift", "max_shift_ms": 40.0},
        {"name": "gain"},
        {"name": "add_noise", "p": 0.7},
        {"name": "mixup"},
        {"name": "mask_time"},
        {"name": "mask_bins"},
    ],
    "feed": {"seconds": 0.4},
    "train": {"epochs": 4, "batch": 4, "warmup": 1.0, "ema": 0.9, "precision": "32-true", "device": "cpu", "progress": False},
}


def write_tones(folder: Path, *, clips: int = 8, seconds: float = 0.5) -> Path:
    """Three classes: a tone, a tone with its octave, a noise; every clip with its own pitch and level."""
    chance = np.random.default_rng(0)
    t = np.arange(round(8000 * seconds)) / 8000
    for label in ("noise", "octave", "tone"):
        (folder / label).mkdir(parents=True)
        for i in range(clips):
            wave = np.sin(2 * np.pi * chance.uniform(300, 900) * t)
            if label == "octave":
                wave = np.where(np.arange(len(t)) % 800 < 400, wave, 0.0)
            if label == "noise":
                wave = chance.normal(size=len(t))
            level = chance.uniform(0.05, 0.3)
            soundfile.write(folder / label / f"{i}.wav", level * wave + 1e-3 * chance.normal(size=len(t)), 8000)
    return folder


def recipe_of(**train: Any) -> Recipe:
    """The tiny recipe with other settings of the loop."""
    return recipes.parse({**TINY, "train": {**TINY["train"], **train}})


def prepared(folder: Path, recipe: Recipe) -> Prepared:
    """The corpus, surveyed and divided, without bars."""
    return experiment.prepare(str(folder), recipe, bar=lambda title, total: lambda: None)
