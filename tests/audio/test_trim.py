"""Silence before and after a clip goes; silence within it, and quiet sound, stay."""

from __future__ import annotations

import numpy as np
import pytest

from auricle.audio.trim import trimmed


@pytest.mark.parametrize("margin", [0, 7, 1000])
def test_what_is_left_begins_and_ends_with_sound(margin: int) -> None:
    chance = np.random.default_rng(0)
    word = chance.uniform(0.1, 0.5, 60).astype(np.float32)
    wave = np.concatenate([np.zeros(50), word[:30], np.zeros(40), word[30:], np.zeros(20)]).astype(np.float32)
    left = trimmed(wave, margin=margin)
    first, last = max(0, 50 - margin), min(170, 150 + margin)
    assert np.array_equal(left, wave[first:last])
    assert np.shares_memory(left, wave)


def test_the_threshold_is_below_the_peak() -> None:
    wave = np.array([10**-2.6, 10**-2.4, 1.0, 10**-2.4, 10**-2.6], np.float32)  # -52, -48 and 0 dB
    for gain in (1.0, 1e-4):
        assert np.allclose(trimmed(gain * wave), gain * wave[1:4])
        assert trimmed(gain * wave, below_db=30).shape == (1,)


def test_channels_stay_together_and_nothing_is_nothing() -> None:
    wave = np.zeros((2, 10), np.float32)
    wave[0, 3], wave[1, 6] = 0.5, -0.5
    assert trimmed(wave).shape == (2, 4)
    assert trimmed(np.zeros((2, 10), np.float32)).shape == (2, 0)
    assert trimmed(np.zeros((1, 0), np.float32)).shape == (1, 0)
