"""The masking network: a mask of 1 gives the wave back, bands share each bin out, and a few steps on tones in noise raise SI-SNR."""

from __future__ import annotations

import pytest
import torch

from auricle.denoisers.crn import Crn
from auricle.errors import RequestError
from auricle.losses.si_snr import SiSnr

RATE = 8000
SMALL = {"bands": 40, "channels": (8, 12), "hidden": 24}


def tones(rows: int, seed: int) -> torch.Tensor:
    chance = torch.Generator().manual_seed(seed)
    at = torch.arange(RATE // 2) / RATE
    hertz = 300 + 900 * torch.rand(rows, 1, generator=chance)
    return 0.2 * torch.sin(2 * torch.pi * hertz * at) * (torch.sin(2 * torch.pi * 4 * at) > -0.5)


@pytest.mark.parametrize(("win_ms", "hop_ms"), [(20.0, 10.0), (30.0, 10.0), (32.0, 8.0)])
def test_a_mask_of_one_gives_the_wave_back(win_ms, hop_ms):
    net = Crn(RATE, win_ms=win_ms, hop_ms=hop_ms, **SMALL).eval()
    with torch.no_grad():
        net.decoder[-1].weight.zero_()
        net.decoder[-1].bias.fill_(50.0)
        wave = torch.randn(2, 3777) * 0.1
        made = net(wave, torch.tensor([3777, 1000]))
    assert torch.allclose(made[0], wave[0], atol=1e-6)
    assert torch.allclose(made[1, :1000], wave[1, :1000], atol=1e-6)
    assert not made[1, 1000:].any()
    assert net.delay == net.win - net.hop


def test_each_bin_is_shared_out_over_the_bands():
    spread = Crn(16_000).spread
    assert torch.allclose(spread.sum(0), torch.ones(spread.shape[1]))
    assert (spread.sum(1) > 0).all()
    widths = spread.sum(1)
    assert widths[:10].max() < 1.01
    assert widths[-2] > 4


def test_learns_to_take_noise_off_tones():
    torch.manual_seed(0)
    net, loss = Crn(RATE, **SMALL), SiSnr()
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    length = torch.full((8,), RATE // 2)
    for step in range(40):
        clean = tones(8, step)
        value = loss(net(clean + 0.1 * torch.randn(clean.shape), length), clean, length)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    clean = tones(8, 1000)
    noisy = clean + 0.1 * torch.randn(clean.shape)
    with torch.no_grad():
        before, after = loss(noisy, clean, length), loss(net.eval()(noisy, length), clean, length)
    assert after < before - 3.0  # decibels


@pytest.mark.parametrize("settings", [{"win_ms": 25.0}, {"win_ms": 10.0}, {"hop_ms": 0.0}, {"bands": 42}, {"bands": 400}])
def test_refuses_what_does_not_fit(settings):
    with pytest.raises(RequestError, match="wanted a multiple"):
        Crn(RATE, **settings)
