"""What the shipped recipes reach: trains each under its protocol and writes results/recipes.csv, from which the docs' tables are made.

    python benchmarks/recipes.py                 # all, about two hours on 2 cores
    python benchmarks/recipes.py fsdd_official   # one

Needs the corpora at $AURICLE_DATA. Finished folds are kept in runs/benchmark and not trained again.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch

from auricle.errors import RequestError
from auricle.verbs.evaluate import evaluate
from auricle.verbs.train import train

RESULTS = Path(__file__).parent / "results" / "recipes.csv"
RUNS = Path("runs") / "benchmark"
# name: corpus, recipe, overrides, whether all folds are driven
CASES = {
    "fsdd_official": ("fsdd", "fsdd", ('split.rule="official"', "split.dev_fraction=0.0"), False),
    "fsdd_speakers": ("fsdd", "fsdd", ('split.rule="group"', "split.dev_fraction=0.0"), True),
    "esc10_folds": ("esc10", "esc10", (), True),
}
HEAD = [
    "case",
    "corpus",
    "recipe",
    "rule",
    "selection",
    "clips",
    "groups",
    "accuracy",
    "low",
    "high",
    "balanced_accuracy",
    "macro_f1",
    "parameters",
    "minutes_a_fold_max",
    "data_share",
    "threads",
    "processor",
    "date",
]


def main(names: list[str]) -> None:
    """Run the named cases, or all."""
    for name in names or list(CASES):
        corpus, recipe, overrides, folds = CASES[name]
        folder = RUNS / name
        if folds:
            done = evaluate(corpus, folds=True, recipe=recipe, set_=overrides, out=folder)
            metrics, parts = done.metrics, [folder / fold for fold in done.folds]
        elif (folder / "metrics.json").is_file():
            metrics, parts = json.loads((folder / "metrics.json").read_text()), [folder]
        else:
            metrics, parts = train(corpus, recipe=recipe, set_=overrides, out=folder).metrics, [folder]
        write(name, corpus, recipe, metrics, parts)


def write(name: str, corpus: str, recipe: str, metrics: dict, parts: list[Path]) -> None:
    """Put one case's row into the table, in place of an older one."""
    logs = [list(csv.DictReader((part / "log.csv").open())) for part in parts]
    seconds = [sum(float(row["seconds"]) for row in log) for log in logs]
    waited = sum(float(row["data_seconds"]) for log in logs for row in log)
    environment = json.loads((parts[0] / "environment.json").read_text())
    from auricle import bundle

    parameters = sum(p.numel() for p in bundle.load(parts[0]).pipe.parameters())
    scores, protocol = metrics["scores"], metrics["protocol"]
    row = {
        "case": name,
        "corpus": corpus,
        "recipe": recipe,
        "rule": protocol["rule"],
        "selection": protocol["selection"],
        "clips": protocol["test_clips"],
        "groups": protocol["test_groups"],
        "accuracy": f"{scores['accuracy']['value']:.4f}",
        "low": f"{scores['accuracy']['low']:.4f}",
        "high": f"{scores['accuracy']['high']:.4f}",
        "balanced_accuracy": f"{scores['balanced_accuracy']['value']:.4f}",
        "macro_f1": f"{scores['macro_f1']['value']:.4f}",
        "parameters": parameters,
        "minutes_a_fold_max": f"{max(seconds) / 60:.1f}",
        "data_share": f"{waited / sum(seconds):.4f}",
        "threads": environment["threads"],
        "processor": environment["processor"],
        "date": datetime.now(UTC).date().isoformat(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    old = list(csv.DictReader(RESULTS.open())) if RESULTS.exists() else []
    rows = sorted([r for r in old if r["case"] != name] + [{k: str(v) for k, v in row.items()}], key=lambda r: r["case"])
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, HEAD)
        writer.writeheader()
        writer.writerows(rows)
    print(f"{name}: accuracy {row['accuracy']} ({row['low']} to {row['high']}), {row['minutes_a_fold_max']} min a fold")


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    try:
        main(sys.argv[1:])
    except RequestError as wanting:
        raise SystemExit(f"left out: {wanting}") from wanting
