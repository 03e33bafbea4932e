from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from auricle.audio.probe import probe
from auricle.audio.write import write
from auricle.errors import AudioError
from auricle.types import Clip


def test_claimed_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", Clip(np.random.default_rng(0).uniform(-0.5, 0.5, (1, 9000)).astype(np.float32), 8000))
    data = bytearray(path.read_bytes())
    data[22:26] = struct.pack(">I", 9000 * 1000)
    path.write_bytes(data)
    claimed, counted = probe(path), probe(path, count=True)
    assert (claimed.frames, claimed.counted) == (9_000_000, False)
    assert (counted.frames, counted.counted, counted.duration, counted.nyquist) == (9000, True, 1.125, 4000)
    assert (counted.container, counted.codec) == ("flac", "pcm_16")
    assert "libsndfile" in counted.decoder


def test_no_sound(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="is not there"):
        probe(tmp_path / "none.wav")
