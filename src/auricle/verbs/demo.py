"""The whole pipe in about a minute: data, train, evaluate, export, verify, predict without torch, stream."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auricle import recipe as recipes
from auricle.errors import AuricleError

_BUDGET = "40s"
_REAL = ("fsdd", "esc10", "emodb")  # looked for under $AURICLE_DATA, in this order
_WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from auricle.cli import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the demonstration.

    Args:
        title: what was done.
        told: what came of it, a line each.
        seconds: it took.
    """

    title: str
    told: tuple[str, ...]
    seconds: float

    def text(self) -> str:
        """A headline and indented lines."""
        return "\n".join([f"{self.title}  [{self.seconds:.1f} s]", *(f"    {line}" for line in self.told)])

    def tree(self) -> dict[str, Any]:
        """The same as plain values."""
        return dataclasses.asdict(self)


def demo(*, data: str = "", out: Path = Path("demo")) -> Iterator[Step]:
    """Carry one small model through everything auricle does, on sound it was not trained on at the end.

    Without recordings at hand it learns ten made-up sounds, which needs no download, and says so. Where `$AURICLE_DATA` holds a
    known corpus, that is used.

    Args:
        data: a corpus name, a folder or a table; "fsdd" downloads 12 MB of spoken digits where they are not at hand.
        out: folder of the run; an older demonstration there is replaced.

    Yields:
        Each step as it is done.

    Raises:
        AuricleError: a step failed.
    """
    began = time.monotonic()
    yield (found := _data(data))
    name = found.told[0]
    if (out / "recipe.json").is_file():
        shutil.rmtree(out)
    yield from _model(name, out)
    clips = _held_out(out)
    yield _predict(out / "model.onnx", clips[:3])
    yield _stream(out / "model.onnx", clips, out)
    yield Step(
        "done",
        (
            f"report  {out / 'report.html'}",
            f"next    auricle predict {out} YOUR.wav",
            f"        auricle listen {out}",
            "        auricle train YOUR_FOLDER",
        ),
        time.monotonic() - began,
    )


def _data(data: str) -> Step:
    """The corpus to use: its name or path is the first line."""
    from auricle.datasets import _corpus

    began = time.monotonic()
    if not data:
        here = {folder.name for place in _corpus.data_folders() if place.is_dir() for folder in place.iterdir()}
        data = next((name for name in _REAL if name in here), "sketches") if os.environ.get("AURICLE_DATA") else "sketches"
    if data in _corpus.published():
        try:
            _corpus.locate(data)
        except AuricleError:
            _corpus.download(data)
    corpus = _corpus.open_corpus(data)
    what = f"{len(corpus.items)} clips, {len(corpus.task.labels)} classes, licence {corpus.license or 'unknown'}"
    plain = "made-up sounds from a small synthesiser, not recordings: this shows the pipe, not a model to use" if data == "sketches" else ""
    return Step("data", (data, what, *([plain] if plain else [])), time.monotonic() - began)


def _model(data: str, out: Path) -> Iterator[Step]:
    from auricle.verbs.train import figure, headline, run
    from auricle.verbs.verify import verify

    began = time.monotonic()
    done = run(data, recipes.read("demo"), folder=out, time=_BUDGET, resume=False)
    classes = len(done.metrics["task"]["labels"])
    rank = done.metrics["scores"].get("balanced_accuracy") or next(iter(done.metrics["scores"].values()))
    told = (
        headline(done.metrics["protocol"]),
        *(figure(key, value) for key, value in done.metrics["scores"].items()),
        f"chance would be {1 / classes:.3f}; the model has {rank['value']:.3f}, {rank['value'] * classes:.1f} times as much",
    )
    yield Step("train, evaluate, export", told, time.monotonic() - began)
    began = time.monotonic()
    checked = verify(str(out / "model.onnx"))
    yield Step("verify", tuple(checked.text().splitlines()), time.monotonic() - began)


def _held_out(out: Path) -> list[Path]:
    """Clips that judged, one of each class first."""
    import csv

    with (out / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seen: set[str] = set()
    firsts = [row for row in rows if not (row["truth"] in seen or seen.add(row["truth"]))]  # type: ignore[func-returns-value]
    return [Path(row["path"]) for row in firsts]


def _predict(model: Path, clips: list[Path]) -> Step:
    began = time.monotonic()
    words = [sys.executable, "-c", _WITHOUT_TORCH, "predict", str(model), *map(str, clips)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise AuricleError(f"predict without torch failed: {ran.stderr.strip()}")
    return Step("predict, in a process that cannot import torch", tuple(ran.stdout.splitlines()), time.monotonic() - began)


def _stream(model: Path, clips: list[Path], out: Path) -> Step:
    """One recording made of held-out clips with pauses, heard in blocks as from a microphone."""
    import numpy as np

    from auricle.audio.waveform import waveform
    from auricle.audio.write import write
    from auricle.types import Clip
    from auricle.verbs.listen import listen

    began = time.monotonic()
    pause = np.zeros(16_000, np.float32)
    parts = [part for clip in clips[:5] for part in (waveform(clip, sample_rate=16_000)[0], pause)]
    recording = out / "recording.wav"
    write(recording, Clip(np.concatenate(parts)[None], 16_000))
    told = tuple(line for event in listen(str(model), str(recording)) for line in event.text().splitlines())
    truths = ", ".join(clip.stem for clip in clips[:5])
    return Step("stream", (f"heard in order: {truths}", *(told or ("nothing was sure enough to be told",))), time.monotonic() - began)
