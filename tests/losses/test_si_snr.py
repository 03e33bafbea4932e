"""SI-SNR, as loss and as figure, against its definition written out; what it doesn't know and what it does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auricle.losses.si_snr import SiSnr as Loss
from auricle.metrics.si_snr import SiSnr as Figure

RNG = np.random.default_rng(0)
CLEAN = RNG.standard_normal((4, 4000))
NOISY = 0.7 * CLEAN + RNG.standard_normal((4, 4000)) * np.array([[0.1], [0.5], [1.0], [3.0]])


def slow(estimate: np.ndarray, clean: np.ndarray) -> float:
    """Le Roux et al. 2019, equations 3 to 5, one sample after the other, of waves without their mean."""
    mean_s, mean_e = sum(clean) / len(clean), sum(estimate) / len(estimate)
    s, e = [x - mean_s for x in clean], [x - mean_e for x in estimate]
    scale = sum(a * b for a, b in zip(e, s, strict=True)) / sum(b * b for b in s)
    target = sum((scale * b) ** 2 for b in s)
    rest = sum((a - scale * b) ** 2 for a, b in zip(e, s, strict=True))
    return float(10 * np.log10(target / rest))


def loss(estimate: np.ndarray, clean: np.ndarray, **settings: float) -> float:
    waves = (torch.from_numpy(np.asarray(x, np.float32)) for x in (estimate, clean))
    return float(Loss(**settings)(*waves, torch.full((len(clean),), clean.shape[1])))


def test_both_are_the_definition():
    wanted = [slow(a, b) for a, b in zip(NOISY, CLEAN, strict=True)]
    assert Figure().rows(NOISY, CLEAN) == pytest.approx(wanted, abs=1e-6)
    assert Figure()(NOISY, CLEAN) == pytest.approx(np.mean(wanted), abs=1e-6)
    assert loss(NOISY, CLEAN) == pytest.approx(-np.mean(wanted), abs=1e-3)


def test_noise_of_known_power_beside_the_clean_wave():
    noise = RNG.standard_normal(CLEAN.shape)
    own = CLEAN - CLEAN.mean(1, keepdims=True)
    noise -= noise.mean(1, keepdims=True)
    noise -= own * (noise * own).sum(1, keepdims=True) / np.square(own).sum(1, keepdims=True)  # beside it: no part of it
    noise *= 10 ** (-12 / 20) * np.linalg.norm(own, axis=1, keepdims=True) / np.linalg.norm(noise, axis=1, keepdims=True)
    assert Figure().rows(CLEAN + noise, CLEAN) == pytest.approx([12.0] * 4, abs=1e-6)


@pytest.mark.parametrize(("scale", "offset"), [(1e-3, 0.0), (200.0, 0.0), (-2.0, 0.0), (1.0, 0.4)])
def test_neither_level_nor_sign_nor_mean_count(scale, offset):
    assert Figure()(scale * NOISY + offset, CLEAN) == pytest.approx(Figure()(NOISY, CLEAN), abs=1e-6)
    assert loss(scale * NOISY + offset, CLEAN) == pytest.approx(loss(NOISY, CLEAN), abs=0.01)


def test_ends_of_the_scale():
    assert Figure()(CLEAN, CLEAN) == pytest.approx(100.0)
    assert loss(CLEAN, CLEAN) == pytest.approx(-80.0, abs=0.1)
    assert Figure()(np.zeros_like(CLEAN), CLEAN) == pytest.approx(0.0)  # nothing is as much wanted as unwanted
    silent = np.where(np.arange(4)[:, None] == 1, 0.0, CLEAN)
    assert np.isnan(Figure().rows(NOISY, silent)).tolist() == [False, True, False, False]
    assert np.isnan(Figure()(NOISY, np.zeros_like(CLEAN)))


def test_the_spectral_distance_knows_the_level():
    assert loss(0.1 * CLEAN, CLEAN, spectral=1.0) - loss(CLEAN, CLEAN, spectral=1.0) > 2.0  # ln 10 of each bin, and 0.9 of convergence
    assert loss(CLEAN, CLEAN, spectral=1.0) == pytest.approx(loss(CLEAN, CLEAN), abs=1e-3)
