"""Filters: scipy's recursive ones give the same samples, half the power passes at the edges, the order is the slope."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal
import torch

from auricle.augments._spectrum import fast
from auricle.augments.band_pass import BandPass
from auricle.augments.high_pass import HighPass
from auricle.augments.low_pass import LowPass
from auricle.errors import RequestError

RATE = 8000


def _noise(rows: int, total: int = 6000) -> torch.Tensor:
    return torch.randn(rows, total, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize(("kind", "word", "edges"), [(LowPass, "low", (600.0, 3000.0)), (HighPass, "high", (60.0, 900.0))])
def test_the_recursive_filter_gives_the_same_samples(kind: Any, word: str, edges: tuple[float, float], order: int) -> None:
    wave, hertz = _noise(2), torch.tensor(edges)
    got = kind(RATE, order=order).apply(wave, {"hertz": hertz})
    for row, edge in enumerate(edges):
        sections = scipy.signal.butter(order, edge, word, fs=RATE, output="sos")
        wanted = scipy.signal.sosfilt(sections, wave[row].double().numpy())
        np.testing.assert_allclose(got[row].numpy(), wanted, atol=1e-4)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_recursive_band_pass_gives_the_same_samples(order: int) -> None:
    wave = _noise(2)
    low, high = torch.tensor([200.0, 700.0]), torch.tensor([2000.0, 3400.0])
    got = BandPass(RATE, order=order).apply(wave, {"low_hz": low, "high_hz": high})
    for row in range(2):
        sections = scipy.signal.butter(order, [float(low[row]), float(high[row])], "band", fs=RATE, output="sos")
        np.testing.assert_allclose(got[row].numpy(), scipy.signal.sosfilt(sections, wave[row].double().numpy()), atol=1e-4)


def _level_db(effect: Any, values: dict[str, torch.Tensor], hertz: float) -> float:
    """Level of a steady tone behind the filter, in its middle."""
    tone = torch.sin(2 * torch.pi * hertz * torch.arange(RATE) / RATE)[None]
    return float(20 * torch.log10(effect.apply(tone, values)[0, 3000:7000].norm() / tone[0, 3000:7000].norm()))


def test_half_the_power_passes_at_the_edge_and_the_order_is_the_slope() -> None:
    edge = {"hertz": torch.tensor([400.0])}
    for order in (1, 2, 3):
        assert _level_db(LowPass(RATE, order=order), edge, 400.0) == pytest.approx(-3.0103, abs=0.02)
        assert _level_db(HighPass(RATE, order=order), edge, 400.0) == pytest.approx(-3.0103, abs=0.02)
        octave = _level_db(HighPass(RATE, order=order), edge, 50.0) - _level_db(HighPass(RATE, order=order), edge, 25.0)
        assert octave == pytest.approx(6.02 * order, abs=0.3)
    band = {"low_hz": torch.tensor([300.0]), "high_hz": torch.tensor([3000.0])}
    for hertz in (300.0, 3000.0):
        assert _level_db(BandPass(RATE), band, hertz) == pytest.approx(-3.0103, abs=0.03)


def test_edges_are_drawn_evenly_over_octaves_below_half_the_rate() -> None:
    shape = torch.Size((4000, 10))
    hertz = LowPass(RATE, p=1.0, min_hz=500.0, max_hz=2000.0).draw(torch.Generator().manual_seed(0), shape)["hertz"]
    assert 500 <= float(hertz.min()) <= float(hertz.max()) <= 2000
    assert float((hertz < 1000).float().mean()) == pytest.approx(0.5, abs=0.03)
    assert float(LowPass(RATE, p=1.0).draw(torch.Generator().manual_seed(0), shape)["hertz"].max()) < 0.475 * RATE
    drawn = BandPass(RATE, p=0.5, min_octaves=1.0, max_octaves=2.0).draw(torch.Generator().manual_seed(0), shape)
    stays = drawn["low_hz"] == 0
    assert torch.equal(stays, drawn["high_hz"] == 0)
    assert 1800 < int(stays.sum()) < 2200
    octaves = (drawn["high_hz"] / drawn["low_hz"])[~stays].log2()
    assert 1 <= float(octaves.min()) < 1.05
    assert 1.95 < float(octaves.max()) <= 2.0001


def test_impossible_edges_are_refused() -> None:
    with pytest.raises(RequestError, match="low_pass: edges from 5000 to 3800 Hz"):
        LowPass(RATE, min_hz=5000.0)
    with pytest.raises(RequestError, match="high_pass: edges from 50 to 800 Hz of order 0"):
        HighPass(RATE, order=0)
    with pytest.raises(RequestError, match="band_pass"):
        BandPass(RATE, min_octaves=0.0)


def test_fast_lengths_are_the_next_products_of_two_three_and_five() -> None:
    def smooth(n: int) -> bool:
        for prime in (2, 3, 5):
            while n % prime == 0:
                n //= prime
        return n == 1

    for size in [*range(1, 300), 6800, 81001]:
        wanted = size
        while not smooth(wanted):
            wanted += 1
        # Odd lengths are products too, and a real transform wants an even one.
        assert fast(size) == wanted
