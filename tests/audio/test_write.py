from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from auricle.audio.probe import probe
from auricle.audio.read import read
from auricle.audio.write import write
from auricle.errors import AudioError, RequestError, ShapeError
from auricle.types import Clip

TONES = (0.3 * np.sin(np.outer([0.05, 0.11], np.arange(48_000)))).astype(np.float32)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".au", ".caf"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"a{suffix}", Clip(TONES, 48_000))
    assert np.abs(read(path).samples - TONES).max() < 1e-4
    assert (probe(path).frames, probe(path).channels, probe(path).sample_rate) == (48_000, 2, 48_000)


@pytest.mark.parametrize("suffix", [".ogg", ".opus", ".mp3"])
def test_lossy_formats_keep_the_tones(tmp_path: Path, suffix: str) -> None:
    clip = read(write(tmp_path / f"a{suffix}", Clip(TONES, 48_000)))
    found = np.abs(np.fft.rfft(clip.samples[:, 8192:40_960] * np.hanning(32_768))).argmax(axis=1)
    assert np.allclose(found, np.array([0.05, 0.11]) / (2 * np.pi) * 32_768, atol=1)


def test_float_is_exact(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", Clip(TONES * 5, 48_000), subtype="FLOAT")
    assert np.array_equal(read(path).samples, TONES * 5)


def test_two_minutes_of_vorbis_do_not_crash(tmp_path: Path) -> None:
    """In one call, libsndfile 1.2 dies of this; a process of its own shows that ours does not."""
    code = (
        "import sys, numpy as np; from auricle.audio.write import write; from auricle.types import Clip;"
        "write(sys.argv[1], Clip(np.sin(np.arange(120 * 48_000) / 9)[None].astype(np.float32), 48_000))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.ogg")], check=True, timeout=60)
    assert probe(tmp_path / "a.ogg", count=True).frames == 120 * 48_000


def test_impossible_requests(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="names no format"):
        write(tmp_path / "a.xyz", Clip(TONES, 8000))
    with pytest.raises(RequestError, match="no subtype 'VORBIS'"):
        write(tmp_path / "a.wav", Clip(TONES, 8000), subtype="VORBIS")
    with pytest.raises(ShapeError, match="a clip is"):
        write(tmp_path / "a.wav", Clip(TONES[0], 8000))
    with pytest.raises(AudioError, match="cannot be written"):
        write(tmp_path / "none" / "a.wav", Clip(TONES, 8000))
    with pytest.raises(AudioError, match="at 44 Hz"):
        write(tmp_path / "a.mp3", Clip(TONES, 44))
