from __future__ import annotations

import numpy as np
import pytest
import soundfile
import soxr

from auricle.audio.denoise import Denoiser, denoise
from auricle.errors import RequestError


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def speechlike(samples: int, sample_rate: int) -> np.ndarray:
    """Syllables of gliding harmonics with pauses between."""
    at = np.arange(samples) / sample_rate
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * at)
    voice = sum(np.sin(2 * np.pi * k * np.cumsum(pitch) / sample_rate) / k for k in range(1, 15))
    return (0.1 * voice * np.clip(np.sin(2 * np.pi * 2.5 * at), 0, 1)).astype(np.float32)


def gain_db(clean: np.ndarray, noisy: np.ndarray, made: np.ndarray) -> float:
    return 10 * np.log10(np.sum((noisy - clean) ** 2) / np.sum((made - clean) ** 2))


@pytest.mark.parametrize("samples", [0, 1, 255, 256, 5000, 16_001])
def test_a_gain_of_one_gives_the_wave_back(samples):
    wave = noise(samples)
    found = denoise(wave, 16_000, floor_db=0.0)
    np.testing.assert_allclose(found, wave, rtol=0, atol=1e-6)
    assert found.dtype == np.float32


@pytest.mark.parametrize("method", ["subtract", "wiener"])
@pytest.mark.parametrize("largest", [7, 300, 9000])
def test_a_stream_equals_the_whole(method, largest):
    wave = speechlike(20_000, 16_000) + 0.01 * noise(20_000)
    whole = denoise(wave, 16_000, method=method)
    stream, chance, found, at = Denoiser(16_000, method=method), np.random.default_rng(1), [], 0
    while at < len(wave):
        size = int(chance.integers(1, largest))
        found.append(stream.step(wave[at : at + size], last=at + size >= len(wave)))
        at += size
    np.testing.assert_array_equal(np.concatenate(found), whole)


@pytest.mark.parametrize("method", ["subtract", "wiener"])
def test_noise_alone_falls_to_the_floor(method):
    wave = 0.1 * noise(64_000)
    made = denoise(wave, 16_000, method=method, over=3.0)
    assert 20 * np.log10(made[32_000:].std() / wave[32_000:].std()) < -8


@pytest.mark.parametrize("method", ["subtract", "wiener"])
def test_clean_sound_is_nearly_kept(method):
    wave = speechlike(64_000, 16_000) + 1e-5 * noise(64_000)
    made = denoise(wave, 16_000, method=method)
    assert 10 * np.log10(np.sum(wave**2) / np.sum((made - wave) ** 2)) > 9


@pytest.mark.parametrize("method", ["subtract", "wiener"])
@pytest.mark.parametrize("snr_db", [0.0, 5.0])
def test_white_noise_loses_to_the_signal(method, snr_db):
    clean = speechlike(80_000, 16_000)
    noisy = clean + noise(80_000) * np.sqrt(np.mean(clean**2)) * 10 ** (-snr_db / 20)
    assert gain_db(clean, noisy, denoise(noisy, 16_000, method=method)) > 3


@pytest.mark.parametrize("method", ["subtract", "wiener"])
@pytest.mark.parametrize("snr_db", [0.0, 10.0])
def test_recorded_noise_loses_to_speech(shared, method, snr_db):
    """The mean gain over recorded steady noises with real speech, as a stream hears it from its first sample."""
    clean, _ = soundfile.read(shared / "data" / "emodb" / "wav" / "03a01Nc.flac", dtype="float32")
    gains = []
    for path in sorted((shared / "data" / "noise_rir" / "noise").glob("noise*.flac")):
        recorded, rate = soundfile.read(path, dtype="float32", always_2d=True)
        sound = soxr.resample(recorded.mean(1), rate, 16_000)
        sound = np.tile(sound, -(-len(clean) // len(sound)))[: len(clean)]
        noisy = (clean + sound * np.sqrt(np.mean(clean**2) / np.mean(sound**2)) * 10 ** (-snr_db / 20)).astype(np.float32)
        gains.append(gain_db(clean, noisy, denoise(noisy, 16_000, method=method)))
    assert np.mean(gains) > 1


def test_a_noise_that_grows_is_followed():
    wave = 0.01 * noise(64_000) * np.where(np.arange(64_000) < 16_000, 1, 10)
    made = denoise(wave, 16_000)
    assert 20 * np.log10(made[48_000:].std() / wave[48_000:].std()) < -8


def test_settings_out_of_range_are_refused():
    with pytest.raises(RequestError, match="over 0"):
        Denoiser(16_000, over=0)
