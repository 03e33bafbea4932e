"""The torch-free runtime: clips, long recordings, timelines, streams."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import auricle
from auricle.audio.window import passages
from auricle.errors import RequestError, ShapeError
from auricle.runtime import pieces

BLOCKED = (
    "import sys\nfor name in ('torch', 'scipy', 'sklearn', 'pandas', 'onnx', 'onnxscript', 'safetensors', 'lightning_fabric'):\n"
    "    sys.modules[name] = None\nfrom auricle.cli import main\nsys.exit(main())"
)


def noise(samples: int, seed: int = 0, level: float = 0.1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(samples) * level).astype(np.float32)


@pytest.mark.parametrize("total", [1, 10, 29, 30, 31, 40, 41, 95, 100])
@pytest.mark.parametrize("block", [1, 7, 10, 64])
def test_pieces_are_the_passages_of_evaluation(total: int, block: int) -> None:
    wave = np.arange(total, dtype=np.float32)
    found = list(pieces((wave[at : at + block] for at in range(0, total, block)), 10))
    assert [(int(p[0]), int(p[-1]) + 1) for p in found] == passages(total, 10)


@pytest.mark.parametrize("longest", [8, 10, 12, 31, 99])
@pytest.mark.parametrize("total", [7, 8, 9, 12, 13, 31, 32, 100])
def test_pieces_are_no_longer_than_a_network_hears(total: int, longest: int) -> None:
    wave = np.arange(total, dtype=np.float32)
    found = list(pieces((wave[at : at + 7] for at in range(0, total, 7)), 10, longest=longest))
    assert max(map(len, found)) <= longest
    assert [(int(p[0]), int(p[-1]) + 1) for p in found] == passages(total, 10, longest=longest)


def test_predict_is_the_same_for_file_clip_and_array(exported: Any, tmp_path: Path) -> None:
    model = auricle.load(exported.run)
    wave = noise(9001)
    soundfile.write(tmp_path / "a.wav", wave, 8000, subtype="FLOAT")
    by_file = model.predict(tmp_path / "a.wav")
    assert by_file == model.predict(wave)
    assert by_file == model.predict(auricle.Clip(wave[None], 8000))
    assert by_file.decisions[0].label == next(iter(by_file.probabilities))
    assert sum(by_file.probabilities.values()) == pytest.approx(1, abs=1e-5)


def test_long_clip_is_the_mean_of_its_pieces_by_length(exported: Any) -> None:
    model = auricle.load(exported.onnx)
    wave = np.concatenate([noise(8000, 1, 0.3), noise(8000, 2, 0.001), noise(8000, 3, 0.03), noise(5000, 4, 0.2)])
    wanted = sum((b - a) / len(wave) * model.runner.score(wave[a:b]) for a, b in passages(len(wave), 8000))
    assert list(model.predict(wave).probabilities.values()) == pytest.approx(sorted(wanted, reverse=True), abs=1e-6)


def test_short_clip_is_padded_and_says_so(exported: Any) -> None:
    model = auricle.load(exported.onnx)
    found = model.predict(noise(100))
    assert "padded with silence to 0.1 s" in found.warnings[0]
    assert found.duration == 100 / 8000
    with pytest.raises(ShapeError, match="empty"):
        model.predict(np.zeros(0, np.float32))


def test_unknown_models_are_told(exported: Any, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"neither an \.onnx file"):
        auricle.load("everyday11")
    with pytest.raises(RequestError, match=r"holds no model\.onnx"):
        auricle.load(tmp_path)


@pytest.mark.parametrize("which", ["exported", "unstreamable"])
def test_stream_of_any_chunks_decides_the_same(which: str, request: pytest.FixtureRequest) -> None:
    model = auricle.load(request.getfixturevalue(which).onnx)
    wave = np.concatenate([noise(12000, 1, 0.3), np.zeros(16000, np.float32), noise(12000, 2, 0.01)])
    from auricle.deciders.argmax import Argmax

    found = []
    for sizes in ([40000], [1000] * 40, [1, 37, 12001, 27961]):
        stream, at, done = model.stream(decider=Argmax()), 0, []
        for size in sizes:
            done += stream.step(wave[at : at + size])
            at += size
        done += stream.finish()
        assert stream.time == pytest.approx(5.0)
        found.append([(d.label, round(d.start, 6), round(d.stop, 6), round(d.score, 4)) for d in done])
    assert found[0] == found[1] == found[2] != []
    assert all(stop <= 2.6 or start >= 3.4 for _, start, stop, _ in found[0])  # silent for a whole window: nothing is decided


def test_dropouts_are_survived(exported: Any) -> None:
    stream = auricle.load(exported.onnx).stream()
    for chunk in (noise(4000), np.full(4000, np.nan, np.float32), np.full(10, np.inf, np.float32), np.zeros(0, np.float32), noise(4000)):
        stream.step(chunk)
    assert np.isfinite(stream.probabilities).all()
    stream.finish()


def test_timeline_covers_a_recording_and_ends_with_it(exported: Any, unstreamable: Any) -> None:
    from auricle.deciders.threshold import Threshold

    wave = noise(30001)
    for made in (exported, unstreamable):
        found = list(auricle.load(made.onnx).timeline(wave, decider=Threshold(threshold=0.0)))
        assert {d.start for d in found} == {0.0}
        assert {round(d.stop, 5) for d in found} == {round(30001 / 8000, 5)}


def test_without_torch(exported: Any, unstreamable: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(9000), 8000)
    for words in (
        ["predict", str(exported.onnx), str(tmp_path / "a.wav")],
        ["predict", str(unstreamable.onnx), str(tmp_path / "a.wav"), "--timeline"],
        ["listen", str(exported.onnx), str(tmp_path / "a.wav")],
        ["verify", str(exported.onnx)],
    ):
        ran = subprocess.run([sys.executable, "-c", BLOCKED, *words], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr


def test_six_hours_in_constant_memory(exported: Any, tmp_path: Path) -> None:
    long, short = tmp_path / "long.flac", tmp_path / "short.flac"
    block = np.zeros(8000 * 60, np.int16)
    for path, minutes in ((short, 1), (long, 360)):
        with soundfile.SoundFile(path, "w", 8000, 1, subtype="PCM_16") as file:
            for _ in range(minutes):
                file.write(block)
    code = (
        "import sys, resource, auricle; p = auricle.load(sys.argv[1], threads=1).predict(sys.argv[2]); "
        "print(p.duration, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    used = []
    for path in (short, long):
        words = [sys.executable, "-c", code, str(exported.onnx), str(path)]
        duration, memory = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        used.append(int(memory))
    assert float(duration) == 21600
    assert used[1] - used[0] < 20_000  # kB; the recording is 690 MB of samples
