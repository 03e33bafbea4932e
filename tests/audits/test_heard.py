from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auricle.audio.resample import resample
from auricle.audio.write import write
from auricle.audits._heard import hear
from auricle.types import Clip

RATE = 16_000


def test_levels_and_form(tmp_path: Path) -> None:
    wave = 0.5 * np.sin(2 * np.pi * 500 * np.arange(25 * RATE) / RATE) + 0.05  # longer than a block
    heard = hear(write(tmp_path / "a.wav", Clip(np.stack([wave, wave]).astype(np.float32), RATE)))
    assert (heard.error, heard.container, heard.codec, heard.sample_rate, heard.channels) == ("", "wav", "pcm_16", RATE, 2)
    assert (heard.frames, heard.duration) == (25 * RATE, 25.0)
    assert heard.peak == pytest.approx(0.55, abs=1e-3)
    assert heard.offset == pytest.approx(0.05, abs=1e-4)
    assert heard.rms_db == pytest.approx(10 * np.log10(0.125 + 0.0025), abs=0.01)
    assert heard.clipped == 0


def test_clipping_is_runs_at_full_scale(tmp_path: Path) -> None:
    wave = np.sin(2 * np.pi * 50 * np.arange(RATE) / RATE).astype(np.float32)
    loud = hear(write(tmp_path / "loud.wav", Clip((3 * wave)[None], RATE)))
    share = np.mean(np.abs(3 * wave) >= 0.9995)
    assert loud.clipped == pytest.approx(share, abs=0.002)
    spikes = np.zeros(RATE, np.float32)
    spikes[::100] = 1
    assert hear(write(tmp_path / "spikes.wav", Clip(spikes[None], RATE))).clipped == 0


def test_bandwidth_of_what_was_recorded_at_a_lower_rate(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(2 * 8000).astype(np.float32) * 0.1
    narrow = hear(write(tmp_path / "n.wav", Clip(resample(noise, 8000, 44_100)[None], 44_100)))
    assert narrow.bandwidth == pytest.approx(4000, rel=0.15)
    wide = np.random.default_rng(0).standard_normal(44_100).astype(np.float32) * 0.1
    assert hear(write(tmp_path / "w.wav", Clip(wide[None], 44_100))).bandwidth == 22_050
    # A sound that grows weaker with frequency by itself is not cut: 12 dB an octave.
    soft = np.cumsum(np.cumsum(wide - wide.mean()))
    soft = (0.5 * soft / np.abs(soft).max()).astype(np.float32)
    assert hear(write(tmp_path / "s.wav", Clip(soft[None], 44_100), subtype="FLOAT")).bandwidth == 22_050


def test_the_digest_is_of_the_sound_and_not_of_the_file(tmp_path: Path) -> None:
    wave = np.random.default_rng(0).integers(-9999, 9999, (1, 9000)).astype(np.float32) / 32768
    made = [hear(write(tmp_path / f"a{suffix}", Clip(wave, 8000))).digest for suffix in (".wav", ".flac", ".aiff")]
    assert len(set(made)) == 1
    assert hear(write(tmp_path / "b.wav", Clip(wave, 16_000))).digest != made[0]


def test_what_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "page.wav").write_text("<html>")
    assert "is a web page" in hear(tmp_path / "page.wav").error
