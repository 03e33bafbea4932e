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
    # Cubic interpolation of a tone of 18 samples a period errs by a few thousandths.
    assert float((got[: valid - 3] - wanted[: valid - 3]).abs().max()) < 5e-3
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
