"""The same recording is found again; different ones, even of one kind, are not."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from auricle.audio.read import read
from auricle.audio.resample import resample
from auricle.audio.waveform import waveform
from auricle.audio.write import write
from auricle.audits._fingerprint import RATE, alike, words
from auricle.types import Clip


def melody(seed: int, seconds: float = 2.0, rate: int = 16_000) -> np.ndarray:
    """Notes of harmonics with noise: like each other in kind, different in detail."""
    rng = np.random.default_rng(seed)
    time_axis = np.arange(int(seconds * rate)) / rate
    wave = 0.01 * rng.standard_normal(len(time_axis))
    for start in np.arange(0, seconds, 0.1):
        pitch = rng.uniform(150, 900)
        held = np.exp(-8 * np.maximum(time_axis - start, 0)) * (time_axis >= start)
        for harmonic in range(1, 6):
            wave += 0.1 / harmonic * rng.uniform(0.3, 1) * held * np.sin(2 * np.pi * pitch * harmonic * time_axis)
    return (0.3 * wave / np.abs(wave).max()).astype(np.float32)


def printed(wave: np.ndarray, rate: int = 16_000) -> np.ndarray:
    return words(resample(wave, rate, RATE))


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".opus", ".flac"])
def test_recoded_louder_resampled_copies_are_found(tmp_path: Path, suffix: str) -> None:
    waves = [melody(seed) for seed in range(12)]
    prints = [printed(wave) for wave in waves]
    for wave in waves:
        path = write(tmp_path / f"copy{suffix}", Clip(resample(wave * 0.2, 16_000, 48_000)[None], 48_000))
        prints.append(words(waveform(path, sample_rate=RATE)[0]))
    assert alike(prints) == [(n, n + 12) for n in range(12)]


def test_a_shifted_cut_is_found() -> None:
    wave = melody(1, 4.0)
    assert alike([printed(wave), printed(wave[7777:50_000]), printed(melody(2, 4.0))]) == [(0, 1)]


def test_noise_tones_and_silence_are_not_each_other() -> None:
    rng = np.random.default_rng(0)
    noises = [rng.standard_normal(RATE * 2).astype(np.float32) for _ in range(30)]
    tones = [np.sin(2 * np.pi * f * np.arange(RATE * 2) / RATE).astype(np.float32) for f in (300, 450, 777, 1500)]
    assert (
        alike([words(w) for w in [*noises, *tones, np.zeros(RATE, np.float32), np.zeros(RATE, np.float32), np.zeros(0, np.float32)]]) == []
    )


def test_ten_thousand_recordings_are_compared_in_seconds() -> None:
    rng = np.random.default_rng(0)
    prints = [rng.integers(1, 2**32, 600, dtype=np.uint32) for _ in range(10_000)]
    noisy = prints[17] ^ np.where(rng.uniform(size=600) < 0.5, np.uint32(1) << rng.integers(0, 32, 600).astype(np.uint32), 0).astype(
        np.uint32
    )
    begun = time.process_time()
    assert alike([*prints, noisy]) == [(17, 10_000)]
    assert time.process_time() - begun < 10


def test_real_recordings(shared: Path, tmp_path: Path) -> None:
    """Different sentences of one speaker are not one recording; each of them in Vorbis is itself."""
    paths = sorted((shared / "data" / "emodb" / "wav").glob("03*.flac"))[:40]
    prints = [words(waveform(path, sample_rate=RATE)[0]) for path in paths]
    for path in paths[:10]:
        clip = read(path)
        copy = write(tmp_path / "copy.ogg", Clip(clip.samples * 0.3, clip.sample_rate))
        prints.append(words(waveform(copy, sample_rate=RATE)[0]))
    assert alike(prints) == [(n, len(paths) + n) for n in range(10)]
