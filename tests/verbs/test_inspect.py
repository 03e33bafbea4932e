"""`inspect` on a folder of classes with one of each fault, on tables, single files, and real corpora."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from auricle.audio.write import write
from auricle.errors import DataError, RequestError
from auricle.types import Clip
from auricle.verbs._inspected import Inspected, InspectedFile
from auricle.verbs.inspect import inspect


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    root = tmp_path / "corpus"
    for label, pitch in (("high", 900), ("low", 200)):
        (root / label).mkdir(parents=True)
        for n in range(12):
            wave = 0.2 * np.sin(2 * np.pi * (pitch + 40 * n) * np.arange(8000) / 8000) + 0.02 * rng.standard_normal(8000)
            write(root / label / f"{n}.wav", Clip(wave.astype(np.float32)[None], 8000))
    (root / "low" / "page.wav").write_text("<html>not found</html>")
    write(root / "low" / "still.wav", Clip(np.zeros((1, 8000), np.float32), 8000))
    (root / "high" / "again.wav").write_bytes((root / "high" / "3.wav").read_bytes())
    return root


def test_a_folder(folder: Path) -> None:
    found = inspect(str(folder), progress=False)
    assert isinstance(found, Inspected)
    assert [(each.path.name, each.reason) for each in found.skipped] == [
        ("page.wav", "is not a sound file that can be recognised: it is a web page (HTML)")
    ]
    tree = json.loads(json.dumps(found.tree(), default=str))
    assert tree["task"] == {"kind": "single", "labels": ["high", "low"]}
    assert tree["classes"] == [{"label": "high", "clips": 13, "seconds": 13.0}, {"label": "low", "clips": 14, "seconds": 13.0}]
    assert (tree["clips"], tree["files"], tree["seconds"], len(tree["sounds"])) == (27, 27, 26.0, 26)
    assert [f["severity"] for f in tree["findings"]] == ["error", "error", "warning"]
    text = found.text()
    for line in ("corpus: 27 clips in 27 files, 26.00 s of sound", "rates     8000 Hz (26)", "high       13", "low/page.wav", "again.wav"):
        assert line in text
    assert "fix: mkdir -p set_aside && mv -- " in text


def test_a_table_with_a_leak(folder: Path) -> None:
    (folder / "low" / "page.wav").unlink()
    rows = [f"{label}/{n}.wav,{label},{'test' if n > 8 else 'train'}" for label in ("high", "low") for n in range(12)]
    (folder / "clips.csv").write_text("\n".join(["path,label,split", *rows, "high/again.wav,high,test"]))
    found = inspect(str(folder / "clips.csv"), progress=False)
    assert isinstance(found, Inspected)
    assert "1 recording in more than one split as copies: what is judged was trained on" in [f.sentence for f in found.findings]
    assert found.skipped == ()


def test_a_table_of_annotators(folder: Path) -> None:
    (folder / "low" / "page.wav").unlink()
    rows = [f"{label}/{n}.wav,{label},{label if n % 3 else 'odd'},{'' if n % 2 else 'low'}" for label in ("high", "low") for n in range(12)]
    table = folder / "clips.csv"
    table.write_text("\n".join(["path,rater 1,rater 2,rater 3", *rows]))
    found = inspect(str(table), progress=False)
    assert isinstance(found, Inspected)
    tree = found.tree()
    assert tree["task"]["kind"] == "distribution"
    assert (tree["agreement"]["annotators"], tree["agreement"]["each"], tree["agreement"]["clips"]) == (3, 2.5, 24)
    assert tree["agreement"]["decided"] == (24 - 6) / 24, "of high every third is a tie, of low every third that rater 3 left out"
    assert "judged by 3 annotators, 2.5 a clip, 75 % with one most voted label, alpha " in found.text()
    counted = {each["label"]: each["clips"] for each in tree["classes"]}
    assert sum(counted.values()) == pytest.approx(24), "each clip counts once, shared as its votes are"
    assert counted["odd"] == pytest.approx(8 * 5 / 12), "of eight clips a half where two judged, a third where three did"
    unsaid = next(f for f in found.findings if "look like annotators" in f.sentence)
    assert unsaid.fix == """--set 'data.annotators=["rater 1", "rater 2", "rater 3"]'"""
    settings = ('data.annotators=["rater 1", "rater 2", "rater 3"]',)
    most = inspect(str(table), set_=settings, progress=False)
    assert isinstance(most, Inspected)
    assert (most.task.kind, len(most.items), len(most.skipped)) == ("single", 18, 6)
    assert {each["label"]: each["clips"] for each in most.tree()["classes"]} == {"high": 8, "low": 10}, "by the label that is learnt"
    assert most.agreement == found.agreement
    assert not any("look like annotators" in f.sentence for f in most.findings)
    with pytest.raises(RequestError, match="does not say how data are read"):
        inspect(str(table), set_=("train.epochs=3",), progress=False)


def test_recordings_without_labels_are_still_heard(folder: Path) -> None:
    found = inspect(str(folder / "high"), progress=False)
    assert isinstance(found, Inspected)
    assert found.findings[0].sentence.startswith("nothing can be trained on this: ")
    assert found.tree()["clips"] == 13


def test_one_file(folder: Path) -> None:
    found = inspect(str(folder / "high" / "3.wav"))
    assert isinstance(found, InspectedFile)
    tree = found.tree()
    assert (tree["sample_rate"], tree["frames"], tree["container"], tree["error"]) == (8000, 8000, "wav", "")
    assert "wav/pcm_16, decoded by soundfile" in found.text()
    broken = inspect(str(folder / "low" / "page.wav"))
    assert len(broken.skipped) == 1
    assert "every sample is 0" in inspect(str(folder / "low" / "still.wav")).text()


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(RequestError):
        inspect(str(tmp_path / "none"))
    with pytest.raises(RequestError, match="jobs is -1"):
        inspect(str(tmp_path), jobs=-1)
    with pytest.raises(DataError):
        inspect(str(tmp_path))


_LIGHT = """
import sys
for name in ("torch", "scipy", "pandas", "sklearn"):
    sys.modules[name] = None
from auricle.cli import main
sys.exit(main(["inspect", sys.argv[1], "--json"]))
"""


def test_the_command_without_torch(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _LIGHT, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["skipped"][0]["path"].endswith("page.wav")
    assert "page.wav: is not a sound file" in done.stderr


def test_the_odd_files(shared: Path) -> None:
    found = inspect(str(shared / "odd_audio"), progress=False)
    assert isinstance(found, Inspected)
    rows = [line.split("\t") for line in (shared / "odd_audio" / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    refused = {str(each.path.relative_to(shared / "odd_audio")) for each in found.skipped}
    assert {row[0] for row in rows if row[5] in {"must_reject", "empty_or_reject"}} <= refused
    assert not {row[0] for row in rows if row[5] == "decodable"} & refused
    assert all(each.reason and "\n" not in each.reason for each in found.skipped)


def test_a_real_corpus(shared: Path) -> None:
    found = inspect(str(shared / "data" / "emodb"), progress=False)
    assert isinstance(found, Inspected)
    assert (len(found.items), len(found.task.labels), found.skipped) == (535, 7, ())
    assert found.tree()["seconds"] == pytest.approx(24.8 * 60, rel=0.01)
