"""Gain: decibels are decibels."""

from __future__ import annotations

import pytest
import torch

from auricle.augments.gain import Gain
from auricle.errors import RequestError


def test_level_moves_by_the_decibels_drawn() -> None:
    effect = Gain(8000, min_gain_db=-20.0, max_gain_db=14.0)
    wave = torch.randn(200, 300, generator=torch.Generator().manual_seed(1))
    values = effect.draw(torch.Generator().manual_seed(0), wave.shape)
    got = 20 * torch.log10(effect.apply(wave, values).norm(dim=-1) / wave.norm(dim=-1))
    torch.testing.assert_close(got, values["gain_db"], atol=1e-3, rtol=0.0)
    assert -20 <= float(values["gain_db"].min()) < -19
    assert 13 < float(values["gain_db"].max()) <= 14


def test_six_decibels_double() -> None:
    wave = torch.tensor([[0.1, -0.2]])
    torch.testing.assert_close(Gain(8000).apply(wave, {"gain_db": torch.tensor([6.0206])}), 2 * wave, atol=1e-6, rtol=1e-5)


def test_a_range_the_wrong_way_round_is_told() -> None:
    with pytest.raises(RequestError, match=r"min_gain_db is 3 and max_gain_db -3; wanted min <= max"):
        Gain(8000, min_gain_db=3.0, max_gain_db=-3.0)
