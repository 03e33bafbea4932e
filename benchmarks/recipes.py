"""What the shipped recipes reach, each under its protocol and several seeds: results/recipes.csv, from which the docs' tables are made.

    python benchmarks/recipes.py                     # all, half a day on a core
    python benchmarks/recipes.py emodb esc10_probe   # some

Needs the corpora at $AURICLE_DATA, and for the probes the weights that their recipes name in the cache. Finished folds are kept in
runs/benchmark and not trained again. Figures are means over the seeds, each seed's answers pooled over all folds; the interval is a
bootstrap over speakers or source recordings, each of which brings its answers under every seed.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from auricle import bundle as bundles
from auricle.errors import RequestError
from auricle.metrics._scores import Score
from auricle.metrics._seeds import repeated
from auricle.verbs._study_runs import Run, opened
from auricle.verbs.evaluate import evaluate
from auricle.verbs.train import train
from frozen_probes import table

RESULTS = Path(__file__).parent / "results" / "recipes.csv"
RUNS = Path("runs") / "benchmark"


@dataclass(frozen=True)
class Case:
    """A recipe on a corpus.

    Args:
        corpus: by name; "esc50_fold4" are four folds by source recording, made here.
        recipe: a shipped one.
        rule: how clips are divided; "official" is trained once, the others drive all folds.
        seeds: how many.
        settings: of this case beside the recipe's.
    """

    corpus: str
    recipe: str
    rule: str
    seeds: int = 3
    settings: tuple[str, ...] = ()


TUNED = ("transfer.probe_above=0",)
CASES = {
    "emodb": Case("emodb", "emodb", "group"),
    "ravdess": Case("ravdess", "ravdess", "fold"),
    "fsdd_speakers": Case("fsdd", "fsdd", "group"),
    "fsdd_official": Case("fsdd", "fsdd", "official", seeds=1),
    "esc10_folds": Case("esc10", "esc10_crnn", "fold"),
    "esc10_stream": Case("esc10", "esc10", "fold"),
    "emodb_probe": Case("emodb", "emotion_probe", "group"),
    "emodb_student": Case("emodb", "emotion_student", "group"),
    "ravdess_probe": Case("ravdess", "emotion_probe", "fold"),
    "fsdd_probe": Case("fsdd", "words_probe", "group"),
    "esc10_probe": Case("esc10", "sounds_probe", "fold"),
    "esc50_probe": Case("esc50_fold4", "sounds_probe", "fold"),
    # What `auricle train` should begin with: the network of sounds_probe tuned whole, or frozen on speech as well.
    "esc50_tuned": Case("esc50_fold4", "transfer", "fold", 1, TUNED),
    "esc10_tuned": Case("esc10", "transfer", "fold", 1, TUNED),
    "emodb_tuned": Case("emodb", "transfer", "group", 1, TUNED),
    "emodb_frozen": Case("emodb", "sounds_probe", "group", seeds=1),
    "fsdd_tuned": Case("fsdd", "transfer", "group", 1, TUNED),
    "fsdd_frozen": Case("fsdd", "sounds_probe", "group", seeds=1),
}


def main(names: list[str]) -> None:
    """Run the named cases, or all."""
    for name in names or list(CASES):
        case = CASES[name]
        runs: list[Run] = []
        for seed in range(case.seeds):
            runs.append(opened(trained(case, seed, RUNS / name / f"seed-{seed}")))
            write(name, case, runs)  # of the seeds so far: who is interrupted has what is done


def trained(case: Case, seed: int, folder: Path) -> Path:
    """One seed, all folds."""
    corpus = str(Path(table(case.corpus, Path(os.environ["AURICLE_DATA"]) / "data")).resolve()) if "fold4" in case.corpus else case.corpus
    settings = (*case.settings, f"seed={seed}", f'split.rule="{case.rule}"', "split.dev_fraction=0.0", "train.progress=false")
    settings += ('data.name="folder"',) if corpus != case.corpus else ()
    if case.rule != "official":
        evaluate(corpus, folds=True, recipe=case.recipe, set_=settings, out=folder)
    elif not (folder / "metrics.json").is_file():
        train(corpus, recipe=case.recipe, set_=settings, out=folder)
    return folder


def write(name: str, case: Case, runs: list[Run]) -> None:
    """Put one case's row into the table, in place of an older one."""
    one = runs[0]
    place = {label: k for k, label in enumerate(one.labels)}
    truth = np.array([place[label] for _, _, _, label, _ in one.clips])
    figures = repeated([np.array([place[label] for label in run.named]) for run in runs], truth, one.groups, classes=len(place))
    last = next(each.parent for each in sorted(one.folder.rglob("environment.json")) if (each.parent / "bundle").is_dir())
    environment = json.loads((last / "environment.json").read_text())
    seconds = [s for run in runs for s in run.seconds]
    row = {
        "case": name,
        "corpus": case.corpus,
        "recipe": case.recipe,
        "rule": one.protocol["rule"],
        "selection": one.protocol["selection"],
        "clips": len(one.clips),
        "groups": one.protocol["test_groups"],
        "seeds": len(runs),
        **cells("accuracy", figures["accuracy"].score),
        **cells("balanced_accuracy", figures["balanced_accuracy"].score),
        "macro_f1": f"{figures['macro_f1'].score.value:.4f}",
        "accuracy_of_each_seed": " ".join(f"{value:.4f}" for value in figures["accuracy"].seeds),
        "balanced_accuracy_of_each_seed": " ".join(f"{value:.4f}" for value in figures["balanced_accuracy"].seeds),
        "parameters": sum(p.numel() for p in bundles.load(last).pipe.parameters()),
        "minutes_a_fold_max": f"{max(seconds) / 60:.1f}" if any(seconds) else "",
        "threads": environment["threads"],
        "processor": environment["processor"],
        "date": datetime.now(UTC).date().isoformat(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    old = list(csv.DictReader(RESULTS.open(encoding="utf-8"))) if RESULTS.exists() else []
    rows = {each["case"]: each for each in old} | {name: {k: str(v) for k, v in row.items()}}
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n", restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows[each] for each in CASES if each in rows)
    print(f"{name}: accuracy {row['accuracy']}, balanced {row['balanced_accuracy']} ({row['balanced_accuracy_of_each_seed']})")


def cells(name: str, score: Score) -> dict[str, str]:
    """A figure and its interval."""
    return {name: f"{score.value:.4f}", f"{name}_low": f"{score.low:.4f}", f"{name}_high": f"{score.high:.4f}"}


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    try:
        main(sys.argv[1:])
    except RequestError as wanting:
        raise SystemExit(f"left out: {wanting}") from wanting
