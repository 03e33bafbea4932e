"""Every odd, damaged or hostile file gets the verdict its manifest states, within 1 GB and 10 s."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from auricle.audio._open import open_source
from auricle.audio.read import read

_READ = """
import json, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from auricle.audio.read import read
from auricle.errors import AuricleError
for path in sys.stdin.read().split("\\n"):
    begun = time.monotonic()
    try:
        clip = read(path)
        said = [clip.samples.shape[1], clip.sample_rate, clip.samples.shape[0], list(clip.warnings), bool(abs(clip.samples).max() < 1e9)]
        # A stretch from the middle is the same as the slice of the whole.
        start = clip.samples.shape[1] // 3
        part = read(path, start=start / clip.sample_rate, stop=(start + 500) / clip.sample_rate)
        said.append(bool((part.samples == clip.samples[:, start : start + 500]).all()))
    except AuricleError as error:
        said = str(error)
    print(json.dumps([said, time.monotonic() - begun]), flush=True)
"""


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, str]]:
    with (shared / "odd_audio" / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def wanted(row: dict[str, str]) -> list[int]:
    by_soundfile = row["container"] in {"wav", "flac", "aiff", "au", "ogg", ""} and row["codec"] != "opus" and row["frames_soundfile"]
    return [int(row["frames_soundfile"] if by_soundfile else row["frames_pyav"]), int(row["sample_rate"]), int(row["channels"])]


def misjudged(row: dict[str, str], said: str | list, seconds: float) -> bool:
    refused, verdict = isinstance(said, str), row["expected"]
    if seconds > 10 or (refused and (Path(row["path"]).name not in said or said.count("\n"))):
        return True
    if not refused and not (said[4] and said[5] and said[0] > 0):
        return True
    if verdict == "decodable":
        return refused or said[:3] != wanted(row)
    if verdict == "partial":
        return not (refused or said[3])
    return not refused and verdict in {"must_reject", "empty_or_reject"}


def test_every_file_is_judged_right(shared: Path, rows: list[dict[str, str]]) -> None:
    paths = "\n".join(str(shared / "odd_audio" / row["path"]) for row in rows)
    done = subprocess.run([sys.executable, "-c", _READ], input=paths, capture_output=True, text=True, timeout=120, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (done.stderr, rows[len(answers)]["path"])
    assert len(answers) == len(rows) == 321
    assert [(row["path"], said) for row, (said, seconds) in zip(rows, answers, strict=True) if misjudged(row, said, seconds)] == []


def test_stretches_of_real_recordings_are_slices(shared: Path) -> None:
    """Also close to the end of Vorbis files, where a seek of libsndfile is not exact."""
    chance = np.random.default_rng(0)
    for pattern in ("esc10/*/*.ogg", "ravdess/audio/*.ogg", "languages/**/*.ogg", "fsdd/recordings/*.flac"):
        for path in chance.choice(sorted((shared / "data").glob(pattern)), 8):
            whole = read(path)
            total, rate = whole.samples.shape[1], whole.sample_rate
            for start in (*chance.integers(0, total, 2), total - min(total, 1000)):
                part = read(path, start=start / rate, stop=(start + 3000) / rate)
                assert np.array_equal(part.samples, whole.samples[:, start : start + 3000]), (path, start)


def test_one_format_has_one_decoder(shared: Path, rows: list[dict[str, str]]) -> None:
    decoders: dict[str, set[str]] = {}
    for row in rows:
        if row["expected"] == "decodable":
            with open_source(shared / "odd_audio" / row["path"]) as source:
                decoders.setdefault(f"{source.container} {row['codec']}", set()).add(source.decoder.split()[0])
    assert {name: found for name, found in decoders.items() if len(found) > 1} == {}
    assert decoders["wav pcm_s16le"] == decoders["flac flac"] == decoders["ogg vorbis"] == {"soundfile"}
    assert decoders["mov aac"] == decoders["mp3 mp3"] == decoders["opus opus"] == {"av"}


_MUTATE = """
import pathlib, random, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from auricle.audio.read import read
from auricle.errors import AuricleError
chance = random.Random(0)
paths = sorted(p for p in pathlib.Path(sys.argv[1]).rglob("*") if p.is_file() and 0 < p.stat().st_size < 60_000)
path = pathlib.Path(sys.argv[2])
for _ in range(600):
    data = bytearray(chance.choice(paths).read_bytes())
    for _ in range(chance.choice((1, 4, 16))):
        reach = min(len(data), chance.choice((100, 400, len(data))))
        data[chance.randrange(reach)] = chance.choice((0, 127, 128, 255, chance.randrange(256)))
    path.write_bytes(data)
    begun = time.monotonic()
    try:
        assert read(path).samples.size
    except AuricleError as error:
        assert str(path) in str(error), error
    assert time.monotonic() - begun < 10
print("survived")
"""


def test_hostile_changes_of_real_files(shared: Path, tmp_path: Path) -> None:
    """Flipped and overwritten bytes, most of them in headers: samples or one sentence, never a crash."""
    words = [sys.executable, "-W", "error", "-c", _MUTATE, str(shared / "odd_audio"), str(tmp_path / "hostile")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "survived"), done.stderr[-2000:]
