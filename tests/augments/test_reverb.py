"""Rooms: a delta changes nothing, an echo comes when it should, decay is the reverberation time, energy stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from auricle.augments.reverb import Reverb
from auricle.errors import RequestError

RATE = 8000


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _noise(rows: int, total: int = 4000) -> torch.Tensor:
    return torch.randn(rows, total, generator=_rng(5))


def test_a_delta_is_no_room() -> None:
    wave = _noise(3)
    delta = torch.zeros(3, 500)
    delta[:, 0] = 1
    got = Reverb(RATE).apply(wave, {"chosen": torch.ones(3, dtype=torch.bool), "response": delta})
    torch.testing.assert_close(got, wave, atol=2e-6, rtol=0)


def test_it_is_the_sum_of_echoes_at_the_energy_before() -> None:
    wave = _noise(2, 600)
    response = torch.zeros(2, 300)
    response[:, 0], response[0, 250], response[1, 40] = 1.0, 0.5, -0.8
    got = Reverb(RATE).apply(wave, {"chosen": torch.tensor([True, True]), "response": response})
    for row, (delay, strength) in enumerate(((250, 0.5), (40, -0.8))):
        wanted = wave[row].clone()
        wanted[delay:] += strength * wave[row, :-delay]
        torch.testing.assert_close(got[row], wanted * wave[row].norm() / wanted.norm(), atol=1e-5, rtol=0)
    torch.testing.assert_close(got.norm(dim=1), wave.norm(dim=1))


@pytest.mark.parametrize("decay_ms", [200.0, 600.0])
def test_made_rooms_decay_by_60_decibels_in_their_time(decay_ms: float) -> None:
    effect = Reverb(RATE, p=1.0, min_decay_ms=decay_ms, max_decay_ms=decay_ms)
    response = effect.draw(_rng(), torch.Size((400, 10)))["response"].double()
    assert torch.equal(response[:, 0], torch.ones(400, dtype=torch.float64))
    assert int(response.abs().argmax(1).eq(0).sum()) > 395  # the direct sound is the strongest
    left = response.square().flip(1).cumsum(1).flip(1).mean(0)  # Schroeder 1965: what is still to come
    early, late = round(0.1 * RATE * decay_ms / 1000), round(0.4 * RATE * decay_ms / 1000)
    seconds = (late - early) / RATE
    slope = 10 * torch.log10(left[late] / left[early]) / seconds
    assert float(-60 / slope) == pytest.approx(decay_ms / 1000, rel=0.06)


def test_early_echoes_come_apart_in_large_rooms_and_at_once_in_small_ones() -> None:
    def density(edge: float) -> torch.Tensor:
        effect = Reverb(RATE, p=1.0, min_room_m=edge, max_room_m=edge, min_decay_ms=50.0, max_decay_ms=50.0)
        return effect.draw(_rng(), torch.Size((4000, 10)))["response"].ne(0).float().mean(0)

    large = density(10.0)
    # At path r there are 4 pi r^2 / V images a metre; the microphone stands between 0.5 and 5 m away, on average r^2 as below.
    metres = 343.0 / RATE
    for at in (20, 80, 160):
        near = torch.linspace(0.5, 5.0, 1000) + metres * at
        wanted = (4 * torch.pi * near.square() * metres / 1000).clamp(max=1).mean()
        assert float(large[at - 8 : at + 8].mean()) == pytest.approx(float(wanted), rel=0.08)
    assert float(density(2.5)[200:].mean()) > 0.99


def test_recorded_rooms_begin_with_their_direct_sound(tmp_path: Path) -> None:
    late = np.zeros(2000, np.float32)
    late[700], late[900], late[1900] = -0.5, 0.25, 0.1
    soundfile.write(tmp_path / "late.wav", late, RATE, subtype="FLOAT")
    effect = Reverb(RATE, p=1.0, folder=str(tmp_path), min_decay_ms=100.0, max_decay_ms=100.0)
    wave = torch.zeros(1, 1000)
    wave[0, 100] = 1.0
    got = effect.apply(wave, effect.draw(_rng(), wave.shape))[0]
    assert int(got.abs().argmax()) == 100
    assert float(got[300] / got[100]) == pytest.approx(-0.5, abs=1e-5)
    assert sorted(got.abs().gt(1e-5).nonzero()[:, 0].tolist()) == [100, 300]  # the last echo is beyond 100 ms
    with pytest.raises(RequestError, match=r"reverb: .* is not a folder"):
        Reverb(RATE, folder=str(tmp_path / "none"))


def test_real_rooms_keep_the_energy_and_the_place(shared: Path) -> None:
    effect = Reverb(16000, p=1.0, folder=str(shared / "data" / "noise_rir" / "rir"))
    assert len(effect.responses) == 8
    wave = _noise(8, 16000) * torch.hann_window(16000)
    got = effect.apply(wave, {"chosen": torch.ones(8, dtype=torch.bool), "response": torch.stack(effect.responses)})
    torch.testing.assert_close(got.norm(dim=1), wave.norm(dim=1), rtol=1e-4, atol=0)
    crossed = torch.fft.irfft(torch.fft.rfft(got, 32768) * torch.fft.rfft(wave, 32768).conj())
    at = crossed.abs().argmax(1)
    assert int(torch.minimum(at, 32768 - at).max()) <= 2  # an eighth of a millisecond: strong early echoes lean on the direct sound
