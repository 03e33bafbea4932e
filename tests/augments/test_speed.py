"""Speed: a tone's frequency is multiplied by the rate, its duration divided."""

from __future__ import annotations

import pytest
import torch

from auricle.augments.speed import Speed


def _peak_hz(wave: torch.Tensor) -> float:
    """Frequency of the strongest tone at 8 kHz, between bins by a parabola."""
    power = torch.fft.rfft(wave * torch.hann_window(len(wave)), n=65536).abs().log()
    k = int(power.argmax())
    a, b, c = (float(power[k + d]) for d in (-1, 0, 1))
    return (k + 0.5 * (a - c) / (a - 2 * b + c)) * 8000 / 65536


@pytest.mark.parametrize("rate", [0.8, 0.93, 1.0, 1.1, 1.25])
def test_tone_moves_by_the_rate_and_keeps_its_shape(rate: float) -> None:
    t = torch.arange(8000, dtype=torch.float64) / 8000
    wave = torch.sin(2 * torch.pi * 440 * t).float()[None]
    got = Speed(8000).apply(wave, {"rate": torch.tensor([rate])})[0]
    valid = min(8000, int(8000 / rate))
    assert _peak_hz(got[:valid]) == pytest.approx(440 * rate, abs=0.2)
    wanted = torch.sin(2 * torch.pi * 440 * rate * t).float()
    # Before the first and behind the last sample is silence, which the resampler hears too.
    assert float((got[100 : valid - 100] - wanted[100 : valid - 100]).abs().max()) < 1e-4
    assert float(got[valid + 1 :].abs().sum()) == 0.0


def test_duration_is_told() -> None:
    effect = Speed(8000)
    length = effect.stretched(torch.tensor([1000, 1000, 1000]), {"rate": torch.tensor([0.5, 1.0, 2.0])})
    assert length.tolist() == [2000, 1000, 500]


def test_rates_lie_between(monkeypatch: pytest.MonkeyPatch) -> None:
    rate = Speed(8000, p=0.5, min_rate=0.7, max_rate=1.6).draw(torch.Generator().manual_seed(0), torch.Size((1000, 9)))["rate"]
    assert 400 < int((rate == 1).sum()) < 600
    assert 0.7 <= float(rate.min()) < 0.72
    assert 1.58 < float(rate.max()) <= 1.6


def test_nothing_folds_over() -> None:
    wave = torch.sin(2 * torch.pi * 3800 * torch.arange(8000, dtype=torch.float64) / 8000).float()[None]
    got = Speed(8000).apply(wave, {"rate": torch.tensor([1.25])})  # 4750 Hz lie above half the rate, and would come back as 3250 Hz
    assert float(got[0, 1000:5000].abs().max()) < 1e-5


def test_a_row_s_own_sound_alone_is_changed() -> None:
    wave = torch.randn(1, 1000, generator=torch.Generator().manual_seed(0))
    values = {"rate": torch.tensor([0.8]), "length": torch.tensor([600])}
    got = Speed(8000).apply(wave, values)
    assert int(Speed(8000).stretched(values["length"], values)) == 750
    assert not got[0, 750:].any()
    assert torch.equal(got[0, :750], Speed(8000).apply(wave[:, :750] * (torch.arange(750) < 600), values)[0])
