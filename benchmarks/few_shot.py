"""What a few clips teach: episodes upon frozen embeddings, and a shipped model with one class more.

    python benchmarks/few_shot.py

Corpora are found through $AURICLE_DATA, or in ../shared; mn04 in the cache or beside them. One thread.

* `episode`: mn04's embeddings (mean over time of its last convolution, 384 features) of the 50 classes of ESC-50's fold 4. An episode draws
  5 classes, 1 or 5 clips of each to learn from, and judges by the clips of these classes that come from other recordings. Prototypes are
  the nearest class mean (Snell et al. 2017, squared distance, embeddings of length 1); head is logistic regression.
* `new class`: everyday10 and one of 20 classes of ESC-50's fold 4 that are none of its ten (every other one of 40, in the order of their
  names): 1, 5 or all clips but those of one recording are learnt by `auricle personalise`, clips of other recordings judge. Of ESC-10's
  fold 5, which everyday10 never heard, half of the recordings are the folder of --keep and the other half judges what was forgotten. A
  class that is refused counts as not learnt, and as nothing forgotten.

Seconds are of the processor, the median. Intervals are 95 % by the normal approximation over episodes, or over classes.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from _measure import write
from auricle.audio.waveform import waveform
from auricle.errors import DataError
from auricle.exporters._onnx_last import LastLayer
from auricle.learning.personal import Heard, Layer
from auricle.runtime import locate
from auricle.verbs.personalise import personalise

EPISODES, WAYS = 400, 5


@dataclass(frozen=True)
class Clip:
    """A clip of a corpus: file, class, source recording, official fold."""

    path: Path
    label: str
    source: str
    fold: str


def corpus(data: Path, name: str, table: str) -> list[Clip]:
    """Clips of ESC-10 or ESC-50's fold 4."""
    files = {path.stem: path for path in (data / name).rglob("*.ogg")}
    with (data / name / table).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [Clip(files[Path(row["filename"]).stem], row["category"], row["src_file"], row["fold"]) for row in rows]


def drawn(clips: list[Clip], label: str, count: int, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """Clips to learn from, and those of other recordings; none of the latter where the class has too few recordings."""
    own = rng.permutation([i for i, clip in enumerate(clips) if clip.label == label])
    learnt = own[:count].tolist()
    if count == 0:  # all but one recording
        last = clips[own[-1]].source
        learnt = [int(i) for i in own if clips[i].source != last]
    heard = {clips[i].source for i in learnt}
    return learnt, [int(i) for i in own if clips[i].source not in heard]


def told(values: list[float]) -> dict[str, object]:
    """Mean and interval."""
    mean, half = np.mean(values), 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
    return {"value": f"{mean:.3f}", "low": f"{mean - half:.3f}", "high": f"{mean + half:.3f}", "count": len(values)}


def episodes(clips: list[Clip], rows: NDArray[np.float32]) -> Iterator[dict[str, object]]:
    """5-way episodes upon frozen embeddings."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    labels = sorted({clip.label for clip in clips})
    for shots in (1, 5):
        right: dict[str, list[float]] = {"prototypes": [], "head": []}
        began, rng = time.process_time(), np.random.default_rng(shots)
        while len(right["head"]) < EPISODES:
            parts = [drawn(clips, label, shots, rng) for label in rng.choice(labels, WAYS, replace=False)]
            if not all(judge for _, judge in parts):
                continue
            learnt, truth = rows[[i for own, _ in parts for i in own]], np.repeat(range(WAYS), shots)
            judge, wanted = rows[[i for _, own in parts for i in own]], np.repeat(range(WAYS), [len(own) for _, own in parts])
            means = np.stack([learnt[truth == k].mean(0) for k in range(WAYS)])
            named = np.square(judge[:, None] - means).sum(-1).argmin(1)
            right["prototypes"].append(float((named == wanted).mean()))
            named = LogisticRegression(C=100, max_iter=300).fit(learnt, truth).predict(judge)
            right["head"].append(float((named == wanted).mean()))
        for how, values in right.items():
            what = {"what": "episode", "how": how, "clips": shots, "keep": "", "figure": f"{WAYS}-way accuracy"}
            yield {**what, **told(values), "seconds": f"{(time.process_time() - began) / EPISODES:.3f}"}


def embedded(clips: list[Clip], data: Path) -> NDArray[np.float32]:
    """mn04's embeddings."""
    import torch

    from auricle import bundle as bundles
    from frozen_probes import mn04

    made = mn04(data.parent / "weights")
    if made is None:
        raise SystemExit("the weights of mn04 are not here")
    pipe = bundles.load(Path(made)).pipe
    found = []
    with torch.no_grad():
        for clip in clips:
            wave = torch.from_numpy(waveform(clip.path, sample_rate=32_000)[0])[None]
            hidden, _ = pipe.hidden(wave, torch.tensor([wave.shape[1]]))
            found.append(hidden.mean(-1)[0].numpy())
    return np.stack(found)


def folder(root: Path, clips: list[Clip]) -> Path:
    """Clips as a folder for each label, with one for each recording within."""
    for clip in clips:
        below = root / clip.label / clip.source
        below.mkdir(parents=True, exist_ok=True)
        (below / clip.path.name).symlink_to(clip.path)
    return root


def heard(last: LastLayer, clips: list[Clip]) -> Heard:
    """What the last layer hears of clips; labels that it doesn't know are the class behind its own."""
    labels, facts = list(last.facts.labels), last.facts
    rows = [last.embed(waveform(clip.path, sample_rate=facts.sample_rate, channels=facts.channels)[0]) for clip in clips]
    truth = np.array([labels.index(clip.label) if clip.label in labels else len(labels) for clip in clips])
    number = np.repeat(np.arange(len(rows)), [len(each) for each, _ in rows])
    return Heard(np.concatenate([each for each, _ in rows]), np.concatenate([each for _, each in rows]), number, truth, number)


def right(layer: Layer, clips: Heard, chosen: list[int]) -> float:
    """The share of some clips that are named rightly, as `predict` names them."""
    some = clips.part(np.isin(np.arange(len(clips.truth)), chosen))
    return float((layer.named(some) == some.truth).mean())


def new_class(data: Path, work: Path) -> Iterator[dict[str, object]]:
    """everyday10 and one class more."""
    last = LastLayer(locate("everyday10"), threads=1)
    old = [clip for clip in corpus(data, "esc10", "esc10.csv") if clip.fold == "5"]
    sources = np.random.default_rng(0).permutation(sorted({clip.source for clip in old}))
    kept = set(sources[::2].tolist())
    keep = folder(work / "keep", [clip for clip in old if clip.source in kept])
    judge = [i for i, clip in enumerate(old) if clip.source not in kept]
    others = [clip for clip in corpus(data, "esc50_fold4", "esc50.csv") if clip.label not in last.facts.labels]
    classes = sorted({clip.label for clip in others})[::2]
    clips = [clip for clip in others if clip.label in classes]
    known, new = heard(last, old), heard(last, clips)
    before = right(last.layer, known, judge)
    for kept_, how in ((None, "prototypes"), (keep, "head")):
        for shots in (1, 5, 0):
            named, change, seconds, refused = [], [], [], 0
            for number, label in enumerate(classes):
                learnt, held = drawn(clips, label, shots, np.random.default_rng([number, shots]))
                if not held:
                    continue
                mine = folder(work / "mine", [clips[i] for i in learnt])
                began, layer = time.process_time(), last.layer
                try:
                    layer = LastLayer(personalise("everyday10", mine, out=work / "new.onnx", keep=kept_).path, threads=1).layer
                except DataError:
                    refused += 1
                seconds.append(time.process_time() - began)
                named.append(right(layer, new, held))
                change.append(right(layer, known, judge) - before)
                shutil.rmtree(mine)
            what = {"what": "new class", "how": how, "clips": shots or "all but one recording", "keep": "half of fold 5" if kept_ else ""}
            took = {"seconds": f"{np.median(seconds):.2f}", "refused": refused}
            yield {**what, "figure": "new class, other recordings", **told(named), **took}
            yield {**what, "figure": f"old classes, change from {before:.3f}", **told(change), **took}


def main() -> None:
    """Measure and write."""
    os.environ["OMP_NUM_THREADS"] = "1"
    data = Path(os.environ.get("AURICLE_DATA", Path(__file__).parents[2] / "shared")) / "data"
    clips = corpus(data, "esc50_fold4", "esc50.csv")
    with tempfile.TemporaryDirectory() as work:
        rows = [*episodes(clips, embedded(clips, data)), *new_class(data, Path(work))]
    write("few_shot", [{**dict.fromkeys(("refused",), ""), **row} for row in rows])


if __name__ == "__main__":
    sys.exit(main())
