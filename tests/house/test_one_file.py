"""The architecture's own regression test: one new file is a model everywhere, with no other edit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """A copy of the package with one file more: the model that CONTRIBUTING shows."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "src" / "auricle", folder / "auricle", ignore=shutil.ignore_patterns("__pycache__"))
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    ((name, code),) = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", text, flags=re.DOTALL)
    (folder / "auricle" / "models" / name).write_text(code, encoding="utf-8")
    rng = np.random.default_rng(0)
    for label, hertz in (("high", 2000), ("low", 300)):
        for k in range(8):
            at = np.arange(8000) / 8000
            tone = 0.3 * np.sin(2 * np.pi * hertz * (1 + 0.02 * k) * at) + 0.01 * rng.standard_normal(8000)
            path = folder / "clips" / label / f"take{k}" / f"{k}.wav"
            path.parent.mkdir(parents=True)
            with wave.open(str(path), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(8000)
                file.writeframes((tone * 32767).astype("<i2").tobytes())
    return folder


def auricle(copy: Path, *words: str) -> str:
    surroundings = {**os.environ, "PYTHONPATH": str(copy), "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
    code = "import sys, auricle, auricle.cli; assert auricle.__file__.startswith(sys.argv.pop(1)); sys.exit(auricle.cli.main())"
    done = subprocess.run(
        [sys.executable, "-c", code, str(copy), *words], capture_output=True, text=True, env=surroundings, cwd=copy, check=False
    )
    assert done.returncode == 0, f"auricle {' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_it_is_shown(copy):
    assert "smooth_bins" in auricle(copy, "show", "models")
    assert "past" in auricle(copy, "show", "models", "smooth_bins")


def test_it_passes_its_battery(copy):
    assert "checks passed" in auricle(copy, "check", "models", "smooth_bins", "--set", "past=5")


def test_it_trains_is_exported_and_predicts(copy):
    settings = ("model.name=smooth_bins", "model.dim=8", "train.epochs=1", "train.batch=8", "train.workers=0", "train.progress=false")
    words = [word for each in settings for word in ("--set", each)]
    auricle(copy, "train", "clips", *words, "--out", "run")
    assert (copy / "run" / "model.onnx").is_file()
    told = auricle(copy, "predict", "run/model.onnx", "clips/high/take0/0.wav")
    assert re.search(r"\b(high|low)\b", told)
