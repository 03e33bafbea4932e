"""Sound for the front ends' tests: real where it is at hand, synthesised everywhere else."""

from __future__ import annotations

import numpy as np
import soundfile
import soxr
import torch
from tests.conftest import _shared

_REAL = {
    "speech": "data/emodb/wav/03a01Fa.flac",
    "bark": "data/esc10/001 - Dog bark",
    "rain": "data/esc10/002 - Rain",
}


def clip(name: str, sample_rate: int, seconds: float = 2.0) -> np.ndarray:
    """[T] float32: speech, a bark or rain; glides, clicks and noise of a like level where there are no recordings."""
    samples = round(seconds * sample_rate)
    shared = _shared()
    found = shared / _REAL[name] if shared else None
    if found is not None and found.is_dir():
        found = sorted(found.iterdir())[0]
    if found is not None and found.is_file():
        wave, rate = soundfile.read(found, dtype="float32", always_2d=True)
        made = soxr.resample(wave.mean(1), rate, sample_rate).astype(np.float32)
        made = np.roll(made, sample_rate // 20 - int(np.abs(made).argmax()))  # some begin with seconds of digital silence
        return np.tile(made, -(-samples // len(made)))[:samples]
    rng = np.random.default_rng(list(_REAL).index(name))
    at = np.arange(samples) / sample_rate
    glide = 0.3 * np.sin(2 * np.pi * (200 + 300 * at) * at) * (at % 0.5 < 0.3)
    return (glide + 0.02 * rng.standard_normal(samples)).astype(np.float32)


def assert_decibels(found: np.ndarray, known: np.ndarray) -> None:
    """Levels [F, N] equal to 1e-3 dB down to 80 dB below the loudest, under which float32 transforms differ in their rounding alone."""
    heard = known > known.max() - 80
    assert heard.mean() > 0.02
    np.testing.assert_allclose(np.where(heard, found, 0), np.where(heard, known, 0), rtol=0, atol=1e-3)
    assert found[~heard].max(initial=-np.inf) < known.max() - 79.9


def rows(*waves: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """[B, T] padded with zeros, and [B] lengths."""
    length = [len(w) for w in waves]
    batch = np.zeros((len(waves), max(length)), np.float32)
    for row, wave in zip(batch, waves, strict=True):
        row[: len(wave)] = wave
    return torch.from_numpy(batch), torch.tensor(length)
