"""`listen` gives the same events from a file, a WAV and bare samples on standard input, whatever the chunks."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from auricle.errors import AudioError, RequestError
from auricle.verbs import _sound_in
from auricle.verbs.listen import listen

MAIN = "import sys; from auricle.cli import main; sys.exit(main())"


class Ragged(io.RawIOBase):
    """A pipe that gives what it likes."""

    def __init__(self, data: bytes) -> None:
        self.inner, self.rng = io.BytesIO(data), np.random.default_rng(0)

    def read(self, count: int = -1) -> bytes:
        return self.inner.read(min(count, int(self.rng.integers(1, 700))))

    read1 = read


def sound(samples: int = 24000) -> np.ndarray:
    rng = np.random.default_rng(5)
    wave = rng.standard_normal(samples) * np.repeat(rng.uniform(0.001, 0.3, samples // 4000), 4000)
    return np.clip(np.round(wave * 32768), -32768, 32767).astype("<i2")


def heard(data: bytes, rate: int = 8000) -> np.ndarray:
    parts = _sound_in.pipe(Ragged(data), rate=rate, sample_rate=8000, channels="mean")  # type: ignore[arg-type]
    return np.concatenate(list(parts))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_wav_on_a_pipe_is_what_soundfile_reads(subtype: str) -> None:
    stereo = np.stack([sound(4000), sound(4000)[::-1]], axis=1) / 32768
    buffer = io.BytesIO()
    soundfile.write(buffer, stereo, 8000, subtype=subtype, format="WAV")
    wanted = soundfile.read(io.BytesIO(buffer.getvalue()), dtype="float32")[0].mean(axis=1)
    assert np.abs(heard(buffer.getvalue()) - wanted).max() < 1e-6


def test_bare_samples_lose_nothing() -> None:
    wave = sound(4000)
    assert (heard(wave.tobytes()) == wave / np.float32(32768)).all()
    assert (heard(wave[:3].tobytes()) == wave[:3] / np.float32(32768)).all()
    with pytest.raises(RequestError, match="is empty"):
        heard(b"")
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, 8000, subtype="ULAW", format="WAV")
    with pytest.raises(AudioError, match="coding 7"):
        heard(buffer.getvalue())


def test_file_and_pipe_give_the_same_events(exported: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(), 8000, subtype="PCM_16")
    by_file = [e.tree() for e in listen(str(exported.onnx), str(tmp_path / "a.wav"), on=0.3)]
    words = [sys.executable, "-c", MAIN, "listen", str(exported.onnx), "-", "--on", "0.3", "--json"]
    ran = subprocess.run(words, input=sound().tobytes(), capture_output=True, check=True)
    by_pipe = [json.loads(line) for line in ran.stdout.splitlines()]
    assert b"listening exactly" in ran.stderr
    assert [e["event"] for e in by_file].count("start") == [e["event"] for e in by_file].count("stop") > 0
    for one, other in zip(by_file, by_pipe, strict=True):
        assert one == {**other, "score": pytest.approx(other["score"], abs=1e-4)}


def test_a_model_that_does_not_stream_says_so(unstreamable: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "a.wav", sound(), 8000)
    list(listen(str(unstreamable.onnx), str(tmp_path / "a.wav"), hop=0.25))
    assert "overlapping windows of 1 s, an answer every 0.25 s" in capsys.readouterr().err


def test_impossible_requests(exported: Any, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is not a file"):
        listen(str(exported.onnx), str(tmp_path / "none.wav"))
    with pytest.raises(RequestError, match="off <= on"):
        listen(str(exported.onnx), "-", on=0.3, off=0.4)
