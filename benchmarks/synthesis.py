"""Whether made clips help on held-out recordings: FSDD's speakers, each unheard in training, with espeak-ng's and WaveGAN's clips beside.

    nice python benchmarks/synthesis.py      # about half an hour of one core; what is measured already is not measured again

Needs FSDD at $AURICLE_DATA and espeak-ng. Every row has the recipe fsdd and as many steps, whatever the number of its clips, so that more
clips are not more training. `few` is recordings 5 to 9 of each digit and speaker. The generator learns from the few of the training
speakers alone. All recordings of the held-out speaker judge. The last step is kept; nothing was chosen by these scores.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from _measure import RESULTS, machine
from auricle import recipe as recipes
from auricle.datasets._corpus import open_corpus
from auricle.learning import experiment
from auricle.verbs.imitate import imitate
from auricle.verbs.synthesise import synthesise

WORK = Path("runs") / "benchmark" / "synthesis"
TABLE = RESULTS / "synthesis.csv"
SPEAKERS, SEEDS = ("theo", "nicolas"), (0, 1)
STEPS, CLIPS = 200, 100
GENERATOR = {"clips": CLIPS, "steps": 300, "width": 8, "lr": 1e-3, "seconds": 0.64}
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
# name: recordings that train, made clips beside them
ROWS = {
    "few": ("few", ""),
    "few + espeak": ("few", "said"),
    "few + wavegan": ("few", "made"),
    "espeak alone": ("none", "said"),
    "all": ("all", ""),
    "all + espeak": ("all", "said"),
}
HEAD = ["speaker", "seed", "trained_on", "recordings", "made", "steps", "accuracy", "low", "high", "seconds", "date", "machine"]


def main() -> None:
    """Measure what is missing."""
    torch.set_num_threads(1)
    WORK.mkdir(parents=True, exist_ok=True)
    said = WORK / "said"
    if not (said / "clips.csv").is_file():
        words = WORK / "words.txt"
        words.write_text("".join(f"{digit}\t{word}\n" for digit, word in enumerate(WORDS)))
        synthesise(str(words), out=said, clips=CLIPS, sample_rate=8000)
    for seed in SEEDS:
        for speaker in SPEAKERS:
            for name, (recordings, beside) in ROWS.items():
                if not any((row["speaker"], row["seed"], row["trained_on"]) == (speaker, str(seed), name) for row in table()):
                    add({"speaker": speaker, "seed": seed, "trained_on": name, **measured(speaker, seed, recordings, beside, said)})


def measured(speaker: str, seed: int, recordings: str, beside: str, said: Path) -> dict[str, object]:
    """One run, judged by the speaker it has not heard."""
    also = generated(speaker) if beside == "made" else said
    data = clips(speaker, recordings, said)
    split = {"rule": "group", "test": speaker, "dev_fraction": 0.0, "also": [str(also)] if beside and recordings != "none" else []}
    recipe = recipe_of(split, seed)
    began = time.process_time()
    prepared = experiment.prepare(str(data), recipe, bar=lambda _title, _total: lambda: None)
    clips_heard = Counter("made" if "/synthesis/" in str(item.path) else "recorded" for item in prepared.division.train)
    epochs = max(1, round(STEPS / prepared.feed.steps(prepared.division.train)))
    settings = dataclasses.replace(prepared.recipe.train, epochs=epochs, warmup=0.1 * epochs)
    prepared = dataclasses.replace(prepared, recipe=dataclasses.replace(prepared.recipe, train=settings))
    prepared.feed.settle(prepared.recipe)
    folder = WORK / "checkpoints" / f"{speaker}-{seed}-{recordings}-{beside or 'alone'}"
    run = experiment.training(prepared)
    bundle = experiment.finish(run, prepared, folder, lambda _at, _loss: None)
    judged = experiment.judge(bundle, prepared.feed, prepared.division.test)
    right = judged.probabilities.argmax(1) == judged.truth
    draws = np.random.default_rng(0).choice(right, (2000, len(right))).mean(1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        "recordings": clips_heard["recorded"],
        "made": clips_heard["made"],
        "steps": run.at.total,
        "accuracy": f"{right.mean():.4f}",
        "low": f"{low:.4f}",
        "high": f"{high:.4f}",
        "seconds": round(time.process_time() - began),
    }


def recipe_of(split: dict[str, object], seed: int) -> recipes.Recipe:
    """The shipped recipe over a table, divided by speaker."""
    tree = recipes.read("fsdd").tree()
    return recipes.parse(
        tree | {"seed": seed, "data": {"name": "table"}, "split": split, "train": tree["train"] | {"device": "cpu", "progress": False}}
    )


def clips(speaker: str, recordings: str, said: Path) -> Path:
    """A table of the speaker's recordings and of what trains: all, few or none of the others'; where none, the spoken ones."""
    rows = [
        (item.path, item.target[0], item.group)
        for item in open_corpus("fsdd").items
        if item.group == speaker or recordings == "all" or (recordings == "few" and 5 <= int(item.path.stem.rpartition("_")[2]) < 10)
    ]
    if recordings == "none":
        rows += [(item.path, item.target[0], item.group) for item in open_corpus(str(said)).items]
    path = WORK / f"{speaker}-{recordings}.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "group"), *rows])
    return path


def generated(speaker: str) -> Path:
    """Clips of a generator that learnt from the few recordings of the other speakers."""
    folder = WORK / f"made-without-{speaker}"
    if not (folder / "clips.csv").is_file():
        recipe = WORK / "generator.json"
        tree = recipe_of({"rule": "group", "test": speaker, "dev_fraction": 0.0}, 0).tree()
        tree["train"]["batch"] = 16
        recipe.write_text(json.dumps(tree))
        began = time.process_time()
        imitate(str(clips(speaker, "few", WORK)), out=folder, recipe=str(recipe), **GENERATOR)
        print(f"generator without {speaker}: {time.process_time() - began:.0f} s")
    return folder


def table() -> list[dict[str, str]]:
    """What is measured so far."""
    if not TABLE.is_file():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def add(row: dict[str, object]) -> None:
    """Put a row into the table."""
    stamp = {"date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(), "machine": machine()}
    rows = [*table(), {key: str(value) for key, value in {**row, **stamp}.items()}]
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, HEAD, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(" ".join(f"{key}={row[key]}" for key in HEAD if key in row), flush=True)


if __name__ == "__main__":
    sys.exit(main())
