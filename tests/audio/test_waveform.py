"""The one path from file to mono samples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auricle.audio.mono import mono
from auricle.audio.read import read
from auricle.audio.resample import resample
from auricle.audio.waveform import waveform, waveform_blocks
from auricle.audio.write import write
from auricle.types import Clip


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """75 s of stereo, so that there are three blocks; the second channel is louder as a whole, the first in the first block."""
    rng = np.random.default_rng(0)
    wave = rng.uniform(-0.1, 0.1, (2, 75 * 11_025)).astype(np.float32)
    wave[0, : 20 * 11_025] *= 2
    wave[1, 40 * 11_025 :] *= 4
    return write(tmp_path_factory.mktemp("long") / "long.flac", Clip(wave, 11_025))


@pytest.mark.parametrize("channels", ["mean", "first", "loudest"])
@pytest.mark.parametrize(("start", "stop"), [(0.0, None), (0.0, 7.7), (33.3, 70.1), (10.0, 35.0)])
def test_it_is_read_mono_and_resample_in_a_row(long: Path, channels: str, start: float, stop: float | None) -> None:
    want = resample(mono(read(long, start=start, stop=stop).samples, channels), 11_025, 16_000)
    got, warnings = waveform(long, sample_rate=16_000, channels=channels, start=start, stop=stop)
    assert np.array_equal(got, want)
    assert warnings == ()


def test_blocks_are_the_whole(long: Path) -> None:
    pieces = list(waveform_blocks(long, sample_rate=8000))
    assert len(pieces) >= 3
    assert np.array_equal(np.concatenate(pieces), waveform(long, sample_rate=8000)[0])


def test_warnings_arrive(tmp_path: Path) -> None:
    path = write(tmp_path / "still.wav", Clip(np.zeros((1, 99), np.float32), 8000))
    wave, warnings = waveform(path, sample_rate=16_000)
    assert (wave.shape, wave.dtype, warnings) == ((198,), np.float32, ("is silent: every sample is 0",))


def test_one_sample_at_any_rate(tmp_path: Path) -> None:
    path = write(tmp_path / "one.wav", Clip(np.ones((1, 1), np.float32), 192_000))
    assert waveform(path, sample_rate=16_000)[0].tolist() == [0]
    assert waveform(path, sample_rate=192_000)[0].tolist() == [pytest.approx(1, abs=1e-4)]
