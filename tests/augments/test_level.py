"""Clipping, polarity and random weights on bands: what is cut, turned and weighted is what was drawn."""

from __future__ import annotations

import math
from typing import Literal

import pytest
import torch

from auricle.augments.clipping import Clipping
from auricle.augments.filter_augment import FilterAugment
from auricle.augments.polarity import Polarity
from auricle.errors import RequestError
from auricle.frontends.log_mel import LogMel


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_peaks_are_cut_at_the_drawn_distance_and_nothing_else() -> None:
    wave = torch.randn(50, 400, generator=_rng(1)) * torch.logspace(-3, 1, 50)[:, None]
    effect = Clipping(8000, p=0.7, min_cut_db=2.0, max_cut_db=20.0)
    values = effect.draw(_rng(), wave.shape)
    got = effect.apply(wave, values)
    fell = 20 * torch.log10(wave.abs().amax(1) / got.abs().amax(1))
    torch.testing.assert_close(fell, values["cut_db"], atol=1e-4, rtol=0)
    level = got.abs().amax(1, keepdim=True)
    below = wave.abs() <= level
    assert torch.equal(got[below], wave[below])
    assert torch.equal(got, wave.clamp(-level, level))
    assert 8 <= int((values["cut_db"] == 0).sum()) <= 24
    assert float(values["cut_db"][values["cut_db"] > 0].min()) >= 2
    with pytest.raises(RequestError, match="min_cut_db is 3"):
        Clipping(8000, min_cut_db=3.0, max_cut_db=2.0)


def test_clipping_a_sine_makes_odd_harmonics_only() -> None:
    wave = torch.sin(2 * torch.pi * 100 * torch.arange(8000) / 8000)[None]
    power = torch.fft.rfft(Clipping(8000).apply(wave, {"cut_db": torch.tensor([12.0])})).abs().square()[0]
    assert float(power[300]) > 0.01 * float(power[100])
    assert float(power[200]) < 1e-6 * float(power[100])


def test_turned_twice_is_the_sound_itself() -> None:
    wave = torch.randn(400, 30, generator=_rng(1))
    effect = Polarity(8000)
    values = effect.draw(_rng(), wave.shape)
    got = effect.apply(wave, values)
    turned = (got == -wave).all(1)
    assert torch.equal(turned | (got == wave).all(1), torch.ones(400, dtype=torch.bool))
    assert 160 < int(turned.sum()) < 240
    assert torch.equal(effect.apply(got, values), wave)


def _steps(curve: torch.Tensor) -> int:
    return 1 + int((curve.diff().abs() > 1e-6).sum())


def test_bands_are_as_many_as_wide_and_as_weighted_as_said() -> None:
    effect = FilterAugment(16000, p=1.0, form="step", min_bands=2, max_bands=5, min_width=0.1)
    curves = effect.draw(_rng(), torch.Size((2000, 9)))["gain_db"]
    counts = torch.tensor([_steps(curve) for curve in curves])
    assert set(counts.tolist()) == {2, 3, 4, 5}
    assert int(torch.bincount(counts)[2:].min()) > 400  # 500 each
    assert -6 <= float(curves.min()) < -5.9
    assert 5.9 < float(curves.max()) <= 6
    narrowest = min(int((curve == each).sum()) for curve in curves[:300] for each in curve.unique())
    assert narrowest >= 0.1 * 256 - 2
    lines = FilterAugment(16000, p=1.0, min_bands=3, max_bands=3).draw(_rng(), torch.Size((200, 9)))["gain_db"]
    bends = (lines.diff(n=2, dim=1).abs() > 1e-3).sum(1)
    assert int(bends.max()) <= 4  # two edges inside, each between two points
    assert float(lines.diff(dim=1).abs().max()) < 12 / (0.05 * 255) * 1.01  # no steeper than from end to end in the narrowest band


@pytest.mark.parametrize("form", ["step", "linear"])
def test_the_log_mel_moves_by_the_drawn_decibels(form: Literal["step", "linear"]) -> None:
    rate = 16000
    wave = torch.randn(4, rate, generator=_rng(1))
    effect = FilterAugment(rate, p=1.0, form=form, min_bands=3, max_bands=4)
    values = effect.draw(_rng(), wave.shape)
    front = LogMel(rate, bins=40, compression="db", normalise="none", scale="htk", min_hz=0.0)
    length = torch.full((4,), rate)
    moved = (front(effect.apply(wave, values), length)[0] - front(wave, length)[0]).median(-1).values  # [B, bins]
    centres = (torch.arange(40) + 1) / 41  # HTK's triangles stand evenly on the mel scale
    wanted = values["gain_db"][:, (centres * 255).round().long()]
    off = (moved - wanted).abs()
    if form == "step":  # a triangle over an edge hears both sides
        inside = torch.nn.functional.max_pool1d(wanted.diff(dim=1).abs()[:, None], 5, 1, 2)[:, 0] < 1e-6
        off = off[:, 1:][inside]
        assert off.numel() > 60
    assert float(off.median()) < 0.1
    assert float(off.max()) < 0.7


def test_mel_points_are_where_they_are_said_to_be() -> None:
    rate = 16000
    curve = torch.zeros(1, 256)
    curve[:, 128:] = 6.0
    middle = 700 * (math.exp(0.5 * math.log1p(rate / 1400)) - 1)  # half of the mel scale up to 8 kHz
    for hertz, wanted in ((0.9 * middle, 0.0), (1.1 * middle, 6.0)):
        tone = torch.sin(2 * torch.pi * hertz * torch.arange(rate) / rate)[None]
        got = FilterAugment(rate).apply(tone, {"chosen": torch.tensor([True]), "gain_db": curve})
        level = 20 * torch.log10(got[0, 4000:12000].norm() / tone[0, 4000:12000].norm())
        assert float(level) == pytest.approx(wanted, abs=0.02)
    with pytest.raises(RequestError, match="room for all bands"):
        FilterAugment(rate, max_bands=30)
