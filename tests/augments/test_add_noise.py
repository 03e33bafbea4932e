"""Noise: the ratio is what was drawn, the colour is what was drawn, silence stays silent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from auricle.augments.add_noise import AddNoise
from auricle.errors import RequestError


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _ratio_db(wave: torch.Tensor, noisy: torch.Tensor) -> torch.Tensor:
    noise = (noisy.double() - wave.double()).square().mean(-1)
    return 10 * torch.log10(wave.double().square().mean(-1) / noise)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    chance = np.random.default_rng(0)
    soundfile.write(tmp_path / "long.wav", 0.1 * chance.normal(size=30000), 8000)
    soundfile.write(tmp_path / "short.wav", 0.5 * chance.normal(size=100), 8000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(1000), 8000)
    (tmp_path / "notes.txt").write_text("not sound")
    return tmp_path


@pytest.mark.parametrize("recorded", [False, True])
def test_ratio_is_what_was_drawn(recorded: bool, recordings: Path) -> None:
    effect = AddNoise(8000, p=1.0, min_snr_db=-10.0, max_snr_db=40.0, folder=str(recordings) if recorded else "")
    wave = torch.randn(64, 8000, generator=_rng(1)) * torch.logspace(-3, 0, 64)[:, None]
    values = effect.draw(_rng(), wave.shape)
    got = _ratio_db(wave, effect.apply(wave, values))
    assert float((got - values["snr_db"]).abs().max()) < 0.01
    assert -10 <= float(values["snr_db"].min()) < -5
    assert 35 < float(values["snr_db"].max()) <= 40


@pytest.mark.parametrize("slope", [-2.0, -1.0, 0.0, 1.0, 2.0])
def test_power_falls_with_the_drawn_slope(slope: float) -> None:
    noise = AddNoise(8000, p=1.0, min_slope=slope, max_slope=slope).draw(_rng(), torch.Size((50, 8192)))["noise"]
    power = torch.fft.rfft(noise.double()).abs().square().mean(0)
    k = torch.arange(60, 4000, dtype=torch.float64).log()  # 60 bins are 59 Hz
    fitted = ((k - k.mean()) * power[60:4000].log()).sum() / (k - k.mean()).square().sum()
    assert float(fitted) == pytest.approx(-slope, abs=0.05)
    assert float(power[1:20].mean() / power[20:45].mean()) == pytest.approx(1, abs=0.15)  # flat below 50 Hz, where nothing is heard


def test_silence_stays_silence() -> None:
    effect = AddNoise(8000, p=1.0)
    wave = torch.zeros(3, 500)
    assert torch.equal(effect.apply(wave, effect.draw(_rng(), wave.shape)), wave)


def test_share_of_rows(recordings: Path) -> None:
    wave = torch.randn(400, 50, generator=_rng(1))
    for p, low, high in ((0.0, 0, 0), (0.3, 90, 150), (1.0, 400, 400)):
        effect = AddNoise(8000, p=p, folder=str(recordings))
        changed = (effect.apply(wave, effect.draw(_rng(), wave.shape)) != wave).any(-1).sum()
        assert low <= int(changed) <= high


def test_recordings_are_found_or_missed(recordings: Path, tmp_path: Path) -> None:
    assert sorted(len(r) for r in AddNoise(8000, folder=str(recordings)).recordings) == [100, 30000]
    assert sorted(len(r) for r in AddNoise(16000, folder=str(recordings)).recordings) == [200, 60000]
    with pytest.raises(RequestError, match="is not a folder of recordings"):
        AddNoise(8000, folder=str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(RequestError, match="holds no recording"):
        AddNoise(8000, folder=str(tmp_path / "empty"))


def test_slopes_are_drawn_between_the_limits() -> None:
    noise = AddNoise(8000, p=1.0, min_slope=-1.0, max_slope=1.0).draw(_rng(), torch.Size((300, 4096)))["noise"]
    power = torch.fft.rfft(noise.double()).abs().square()
    octaves = torch.log2(power[:, 64:128].mean(1) / power[:, 1024:2048].mean(1))  # four octaves apart
    slopes = octaves / 4
    assert float(slopes.min()) == pytest.approx(-1, abs=0.15)
    assert float(slopes.max()) == pytest.approx(1, abs=0.15)
    assert abs(float(slopes.mean())) < 0.1


def test_ratios_that_nobody_sets_are_those_of_the_kind(recordings: Path) -> None:
    shape = torch.Size((200, 50))
    assert AddNoise(8000, folder=str(recordings)).draw(_rng(), shape)["snr_db"].unique().tolist() == [10.0]
    made = AddNoise(8000).draw(_rng(), shape)["snr_db"]
    assert 5 <= float(made.min()) < 6
    assert 29 < float(made.max()) <= 30
    assert AddNoise(8000, min_snr_db=12.0, folder=str(recordings)).draw(_rng(), shape)["snr_db"].unique().tolist() == [12.0]
    with pytest.raises(RequestError, match="ratios from 40 to 30 dB"):
        AddNoise(8000, min_snr_db=40.0, max_snr_db=30.0)


def test_a_folder_takes_no_more_memory_than_it_may(recordings: Path) -> None:
    effect = AddNoise(8000, folder=str(recordings), max_minutes=0.1)  # 6 s over four files
    assert sorted(len(r) for r in effect.recordings) == [100, 12000]


def test_real_backgrounds_reach_the_ratio(shared: Path) -> None:
    effect = AddNoise(16000, p=1.0, folder=str(shared / "data" / "noise_rir" / "noise"))
    assert len(effect.recordings) == 14
    wave = torch.randn(20, 16000, generator=_rng(1))
    values = effect.draw(_rng(), wave.shape)
    assert float((_ratio_db(wave, effect.apply(wave, values)) - 10).abs().max()) < 0.01
