"""Codecs: the sound comes back where it was, rougher at fewer bits, at every sample rate; without the encoder it is refused."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("av")

from auricle.audio.waveform import waveform
from auricle.augments.codec import Codec, round_trip
from auricle.errors import MissingExtraError, RequestError


def _speechlike(rate: int, seconds: float = 0.6) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Harmonics in bursts, which any codec keeps, with sharp onsets that show where they are."""
    t = np.arange(round(rate * seconds)) / rate
    chance = np.random.default_rng(0)
    wave = sum(np.sin(2 * np.pi * 150 * k * t + chance.uniform(0, 6)) / k for k in range(1, 12))
    return (0.1 * wave * (np.sin(2 * np.pi * 5.3 * t) > 0)).astype(np.float32)


def _lag(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> int:
    size = 1 << (2 * len(first)).bit_length()
    crossed = np.fft.irfft(np.fft.rfft(second, size) * np.conj(np.fft.rfft(first, size)))
    at = int(crossed.argmax())
    return at - size if at > size // 2 else at


def _ratio_db(wave: np.ndarray[Any, Any], coded: np.ndarray[Any, Any]) -> float:
    return float(10 * np.log10((wave.astype(float) ** 2).mean() / ((coded.astype(float) - wave) ** 2).mean()))


@pytest.mark.parametrize("codec", ["mp3", "opus"])
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
def test_sound_comes_back_where_it_was(codec: str, rate: int) -> None:
    wave = _speechlike(rate)
    got = round_trip(wave, rate, codec=codec, kbps=48)
    assert got.shape == wave.shape
    assert got.dtype == np.float32
    assert _lag(wave, got) == 0
    assert np.corrcoef(wave, got)[0, 1] > 0.97


def test_fewer_bits_are_rougher() -> None:
    wave = _speechlike(16000)
    for codec in ("mp3", "opus"):
        rough, fine = (_ratio_db(wave, round_trip(wave, 16000, codec=codec, kbps=kbps)) for kbps in (12, 64))
        assert rough + 4 < fine


def test_short_sounds_come_back() -> None:
    for codec in ("mp3", "opus"):
        for total in (1, 100, 575, 3000):
            got = round_trip(np.full(total, 0.1, np.float32), 16000, codec=codec, kbps=32)
            assert got.shape == (total,)
            assert np.isfinite(got).all()


def test_each_row_gets_its_own_codec_and_rate() -> None:
    effect = Codec(16000, p=1.0, min_kbps=16, max_kbps=17)
    values = effect.draw(torch.Generator().manual_seed(0), torch.Size((300, 10)))
    assert set(values["kbps"].tolist()) == {16, 17}
    assert set(values["which"].tolist()) == {0, 1}
    wave = torch.from_numpy(_speechlike(16000, 0.3)).repeat(3, 1)
    got = effect.apply(wave, {"which": torch.tensor([0, 1, 0]), "kbps": torch.tensor([16, 16, 0])})
    np.testing.assert_array_equal(got[0].numpy(), round_trip(wave[0].numpy(), 16000, codec="mp3", kbps=16))
    np.testing.assert_array_equal(got[1].numpy(), round_trip(wave[1].numpy(), 16000, codec="opus", kbps=16))
    assert torch.equal(got[2], wave[2])


def test_real_speech_stays_in_place(shared: Path) -> None:
    clip = sorted((shared / "data" / "emodb").rglob("*.flac"))[0]
    wave, _ = waveform(clip, sample_rate=16000, stop=1.5)
    for codec in ("mp3", "opus"):
        got = round_trip(wave, 16000, codec=codec, kbps=24)
        assert abs(_lag(wave, got)) <= 1  # a codec of few bits moves phases a little
        assert _ratio_db(wave, got) > 3


def test_without_pyav_or_the_encoder_it_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="codec: 4 to 48 kbit/s"):
        Codec(16000, min_kbps=4)
    import av

    monkeypatch.setattr(av, "codecs_available", {"libopus", "mp3float"})
    Codec(16000, codec="opus")
    with pytest.raises(RequestError, match="no libmp3lame, which mp3 needs"):
        Codec(16000)
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "av":
            raise ModuleNotFoundError("No module named 'av'", name="av")
        return real(name, *rest)

    monkeypatch.delitem(sys.modules, "av")
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtraError, match="codec uses PyAV"):
        Codec(16000)
