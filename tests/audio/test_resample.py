"""Resampling obeys physics, and streaming is the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auricle.audio.resample import Resampler, resample
from auricle.errors import ShapeError

PAIRS = [(44_100, 16_000), (8000, 16_000), (48_000, 16_000), (22_050, 16_000), (16_000, 44_100), (96_000, 8000), (11_025, 32_000)]


def tone(hertz: float, rate: int, seconds: float = 2.0) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


def inner(samples: np.ndarray) -> np.ndarray:
    """Without the filter's ends."""
    cut = len(samples) // 10
    return samples[cut:-cut]


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
def test_a_tone_stays_the_same_tone(from_rate: int, to_rate: int) -> None:
    hertz = min(from_rate, to_rate) * 0.3
    got, want = resample(tone(hertz, from_rate), from_rate, to_rate), tone(hertz, to_rate)
    assert abs(len(got) - len(want)) <= 1
    size = min(len(got), len(want))
    error = inner(got[:size] - want[:size])
    assert 10 * np.log10(np.mean(error**2) / np.mean(inner(want) ** 2)) < -60


@pytest.mark.parametrize(("from_rate", "to_rate"), [p for p in PAIRS if p[0] > p[1]])
def test_nothing_above_the_new_nyquist_is_left(from_rate: int, to_rate: int) -> None:
    for factor in (1.05, 1.3, 1.9):
        hertz = to_rate / 2 * factor
        if hertz < from_rate / 2:
            left = inner(resample(tone(hertz, from_rate), from_rate, to_rate))
            assert 10 * np.log10(np.mean(left**2) / 0.5 + 1e-30) < -100


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PAIRS), st.integers(0, 9000), st.lists(st.integers(0, 3000), max_size=12))
def test_every_chunking_is_bit_equal_to_the_whole(pair: tuple[int, int], total: int, cuts: list[int]) -> None:
    wave = np.random.default_rng(total).standard_normal(total).astype(np.float32)
    stream = Resampler(*pair)
    pieces = [stream.step(piece) for piece in np.split(wave, np.minimum(np.cumsum(cuts), total).astype(int))]
    pieces.append(stream.step(np.zeros(0, np.float32), last=True))
    assert np.array_equal(np.concatenate(pieces), resample(wave, *pair))


def test_rows_are_resampled_alone() -> None:
    wave = np.random.default_rng(0).standard_normal((2, 3, 5000)).astype(np.float32)
    done = resample(wave, 44_100, 16_000)
    assert done.shape == (2, 3, 1814)
    assert np.array_equal(done[1, 2], resample(wave[1, 2], 44_100, 16_000))


def test_equal_rates_change_nothing() -> None:
    wave = np.arange(5, dtype=np.float32)
    assert resample(wave, 8000, 8000) is wave
    assert Resampler(8000, 8000).step(wave, last=True) is wave


def test_impossible_rates() -> None:
    for pair in ((0, 16_000), (16_000, -1)):
        with pytest.raises(ShapeError, match="must be at least 1"):
            resample(np.zeros(5, np.float32), *pair)
        with pytest.raises(ShapeError, match="must be at least 1"):
            Resampler(*pair)
    with pytest.raises(ShapeError, match="single number"):
        resample(np.float32(1) * np.ones((), np.float32), 8000, 16_000)
