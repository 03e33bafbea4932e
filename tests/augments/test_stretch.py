"""Stretch and pitch: one changes the duration and keeps a tone's frequency, the other the reverse, and neither moves the beginning."""

from __future__ import annotations

import importlib.util

import pytest
import torch

pytest.importorskip("python_stretch")

from auricle.augments import _stretch
from auricle.augments.pitch_shift import PitchShift
from auricle.augments.time_stretch import TimeStretch
from auricle.errors import MissingExtraError, RequestError

RATE = 16000


def _peak_hz(wave: torch.Tensor) -> float:
    power = torch.fft.rfft(wave * torch.hann_window(len(wave)), n=1 << 19).abs()
    return float(power.argmax()) * RATE / (1 << 19)


def _tone(hertz: float, total: int = 24000) -> torch.Tensor:
    return 0.3 * torch.sin(2 * torch.pi * hertz * torch.arange(total, dtype=torch.float64) / RATE).float()


@pytest.mark.parametrize("rate", [0.85, 1.0, 1.15])
def test_stretch_changes_the_duration_and_keeps_the_pitch(rate: float) -> None:
    wave = torch.zeros(1, 30000)
    wave[0, :24000] = _tone(440)
    values = {"rate": torch.tensor([rate]), "length": torch.tensor([24000])}
    got = TimeStretch(RATE).apply(wave, values)
    wanted = round(24000 / rate)
    assert abs(int(TimeStretch(RATE).stretched(values["length"], values)) - wanted) <= 1
    assert _peak_hz(got[0, 2000 : wanted - 2000]) == pytest.approx(440, abs=0.5)
    assert not got[0, wanted + 1 :].any()
    assert float(got[0, wanted - 3000 : wanted - 1000].abs().max()) > 0.2  # sound to its end
    level = got[0, 4000 : wanted - 4000].square().mean().sqrt()
    assert float(level) == pytest.approx(0.3 / 2**0.5, rel=0.03)


@pytest.mark.parametrize("rate", [0.85, 1.15])
def test_clicks_come_at_their_time(rate: float) -> None:
    wave = torch.zeros(1, 40000)
    wave[0, 10000] = wave[0, 30000] = 1.0
    got = TimeStretch(RATE).apply(wave, {"rate": torch.tensor([rate])})[0].abs()
    middle = int(20000 / rate)
    assert abs(int(got[:middle].argmax()) - 10000 / rate) < 0.005 * RATE
    assert abs(middle + int(got[middle:].argmax()) - 30000 / rate) < 0.005 * RATE


@pytest.mark.parametrize("semitones", [-5.0, -2.0, 1.5, 4.0, 12.0])
def test_pitch_moves_by_the_semitones_and_the_duration_stays(semitones: float) -> None:
    got = PitchShift(RATE).apply(_tone(500)[None], {"semitones": torch.tensor([semitones])})
    assert got.shape == (1, 24000)
    cents = 1200 * torch.log2(torch.tensor(_peak_hz(got[0, 3000:-3000]) / (500 * 2 ** (semitones / 12))))
    assert abs(float(cents)) < 12  # an eighth of a semitone
    click = torch.zeros(1, 24000)
    click[0, 12000] = 1.0
    assert abs(int(PitchShift(RATE).apply(click, {"semitones": torch.tensor([semitones])}).abs().argmax()) - 12000) < 0.005 * RATE


def test_only_a_row_s_own_sound_is_changed() -> None:
    wave = torch.randn(2, 8000, generator=torch.Generator().manual_seed(0))
    values = {"semitones": torch.tensor([2.0, 0.0]), "length": torch.tensor([5000, 8000])}
    got = PitchShift(RATE).apply(wave, values)
    assert torch.equal(got[0, 5000:], wave[0, 5000:])
    assert torch.equal(got[1], wave[1])
    again = PitchShift(RATE).apply(wave, values)
    assert torch.equal(got, again)  # the library's chance is always the same


def test_draws_lie_between_and_impossible_settings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = torch.Size((2000, 9))
    rate = TimeStretch(RATE, p=0.5).draw(torch.Generator().manual_seed(0), shape)["rate"]
    assert 900 < int((rate == 1).sum()) < 1100
    assert 0.85 <= float(rate.min()) < 0.86
    assert 1.14 < float(rate.max()) <= 1.15
    semitones = PitchShift(RATE, p=1.0, min_semitones=-1.0, max_semitones=3.0).draw(torch.Generator().manual_seed(0), shape)["semitones"]
    assert -1 <= float(semitones.min()) < -0.98
    assert 2.98 < float(semitones.max()) <= 3
    with pytest.raises(RequestError, match=r"time_stretch: rates from 0 to 1.15"):
        TimeStretch(RATE, min_rate=0.0)
    with pytest.raises(RequestError, match="pitch_shift: -2 to 40 semitones"):
        PitchShift(RATE, max_semitones=40.0)
    monkeypatch.setattr(_stretch, "find_spec", lambda name: None if name == "python_stretch" else importlib.util.find_spec(name))
    with pytest.raises(MissingExtraError, match="time_stretch uses python-stretch"):
        TimeStretch(RATE)
