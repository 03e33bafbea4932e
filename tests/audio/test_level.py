from __future__ import annotations

import math

import numpy as np
import pytest

from auricle.audio.level import peak_db, rms_db


def test_a_full_scale_sine() -> None:
    wave = np.sin(2 * np.pi * np.arange(48_000) / 480).astype(np.float32)
    assert rms_db(wave) == pytest.approx(-3.0103, abs=1e-3)
    assert peak_db(wave) == pytest.approx(0, abs=1e-3)


def test_half_the_amplitude_is_six_decibels_less() -> None:
    wave = np.random.default_rng(0).standard_normal((2, 9999)).astype(np.float32)
    for level in (rms_db, peak_db):
        assert level(wave) - level(wave / 2) == pytest.approx(20 * math.log10(2), abs=1e-4)


def test_silence_and_nothing() -> None:
    for wave in (np.zeros(9, np.float32), np.zeros((2, 0), np.float32)):
        assert rms_db(wave) == peak_db(wave) == -math.inf
