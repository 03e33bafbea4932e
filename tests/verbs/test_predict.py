"""Predictions on paper: formats, skipped files, and archives interrupted at any moment."""

from __future__ import annotations

import csv
import io
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import auricle
from auricle.errors import RequestError
from auricle.types import Decision
from auricle.verbs._rows import Answer, repair
from auricle.verbs.predict import Printed, expand, predict

MAIN = "import sys; from auricle.cli import main; sys.exit(main())"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for n in range(24):
        wave = rng.standard_normal(2000 + 100 * n) * rng.uniform(0.001, 0.3)
        soundfile.write(folder / (f"{n:02}.wav" if n != 7 else '07 "quoted", ünd\tso.wav'), wave, 8000)
    (folder / "05b.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEjunk")
    return folder


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", MAIN, *map(str, words)], capture_output=True, text=True, check=False)


def test_python_and_csv_agree_and_the_broken_file_is_skipped(exported: Any, clips: Path) -> None:
    answers = predict(str(exported.onnx), (str(clips),), format="csv")
    text = "".join(a if isinstance(a, str) else a.text() for a in answers)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [Path(s.path).name for s in answers.skipped] == ["05b.wav"]
    assert len(rows) == 24
    model = auricle.load(exported.onnx)
    for row in rows[::5]:
        found = model.predict(row["path"])
        assert row["label"] == found.decisions[0].label
        assert float(row["score"]) == pytest.approx(found.decisions[0].score, abs=1e-4)


def test_top_and_jsonl(exported: Any, clips: Path) -> None:
    answers = predict(str(exported.onnx), (str(clips / "0[1-3].wav"),), format="jsonl", top=2)
    rows = [json.loads(a.text()) for a in answers if not isinstance(a, str)]
    assert [len(r["decisions"]) for r in rows] == [2, 2, 2]
    assert all(r["decisions"][0]["score"] >= r["decisions"][1]["score"] for r in rows)
    assert isinstance(answers, Printed)


def test_audacity_and_raven_are_what_these_programs_read(tmp_path: Path) -> None:
    decisions = (Decision("dog", 0.9, 0.5, 1.25), Decision("cat", 0.8, 2.0, 3.0))
    answer = Answer(Path("a.wav"), decisions, {}, 0.0, (), "audacity", 4000.0)
    assert answer.text() == "0.500000\t1.250000\tdog\n2.000000\t3.000000\tcat\n"
    raven = Answer(Path("a.wav"), decisions, {}, 0.0, (), "raven", 4000.0).text()
    table = list(csv.DictReader(io.StringIO(raven), delimiter="\t"))
    assert [(r["Selection"], float(r["Begin Time (s)"]), float(r["End Time (s)"]), r["Annotation"]) for r in table] == [
        ("1", 0.5, 1.25, "dog"),
        ("2", 2.0, 3.0, "cat"),
    ]


def test_tables_go_into_a_folder(exported: Any, clips: Path, tmp_path: Path) -> None:
    files = (str(clips / "01.wav"), str(clips / "02.wav"))
    with pytest.raises(RequestError, match="one table a file"):
        predict(str(exported.onnx), files, format="raven")
    for expected in (2, 0):
        (written,) = list(predict(str(exported.onnx), files, format="raven", out=tmp_path / "t", resume=True))
        assert written.files == expected
    assert len(list((tmp_path / "t").rglob("*.selections.txt"))) == 2


@pytest.mark.parametrize("form", ["csv", "jsonl", "text"])
def test_an_output_cut_at_any_byte_is_completed_without_loss_or_duplicates(exported: Any, clips: Path, tmp_path: Path, form: Any) -> None:
    model, files = str(exported.onnx), (str(clips),)
    list(predict(model, files, format=form, out=tmp_path / "whole"))
    whole = (tmp_path / "whole").read_bytes()
    rng = random.Random(1)
    for cut in [0, 1, 24, len(whole) - 1, len(whole), *(rng.randrange(len(whole)) for _ in range(6))]:
        out = tmp_path / "cut"
        out.write_bytes(whole[:cut])
        list(predict(model, files, format=form, out=out, resume=True))
        assert sorted(out.read_bytes().splitlines()) == sorted(whole.splitlines()), cut


def test_killed_and_resumed(exported: Any, clips: Path, tmp_path: Path) -> None:
    out, words = tmp_path / "out.csv", ["predict", exported.onnx, *sorted(clips.glob("*.wav")), "--format", "csv", "--out"]
    assert run(*words, tmp_path / "whole.csv").returncode == 3
    rng = random.Random(2)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, *map(str, words), str(out), "--resume"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(rng.uniform(0.3, 1.2))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert run(*words, out, "--resume").returncode == 3
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_requests_that_make_no_sense(exported: Any, clips: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("x")
    model = str(exported.onnx)
    for match, options in (
        ("is there already", {"out": tmp_path / "there"}),
        ("--resume needs --out", {"resume": True}),
        ("don't go together", {"top": 2, "timeline": True}),
    ):
        with pytest.raises(RequestError, match=match):
            predict(model, (str(clips),), **options)
    with pytest.raises(RequestError, match="holds no sound files"):
        expand((str(tmp_path / "*.wav"),))
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(RequestError, match="is not a csv output"):
        repair(tmp_path / "other.csv", "csv")
    assert (tmp_path / "other.csv").read_text() == "a,b\n1,2\n"
