"""What the networks of the cost table learn from few clips: results/model_accuracy.csv, one protocol for all, beside model_costs.csv.

    python benchmarks/model_accuracy.py                     # all of them, some hours on a core
    python benchmarks/model_accuracy.py CRNN "ResNet18"     # these; the other rows are kept

Each from scratch on ESC-10's folds 2 to 5, twelve epochs at one rate, the last one judged on fold 1, with the front end and the pooling
that its cost was measured with. 320 clips are too few for networks of tens of millions of parameters, which were made for two million:
the figure says what a network does with few clips and nothing before them, not what its authors reached. Needs $AURICLE_DATA.
"""

from __future__ import annotations

import csv
import datetime
import json
import os
import sys
from pathlib import Path

import torch

import _measure
from auricle.types import Spec
from auricle.verbs.train import train
from model_costs import NETWORKS, made

PATH = _measure.RESULTS / "model_accuracy.csv"
RUNS = Path("runs") / "model_accuracy"
SETTINGS = (
    'split={rule="fold", test="1", dev_fraction=0.0}',
    'augment=[{name="shift", max_shift_ms=500.0}, {name="gain"}, {name="mask_time"}, {name="mask_bins"}]',
    "feed.seconds=5.0",
    "train.epochs=12",
    "train.batch=16",
    "train.lr=2e-3",
    "train.warmup=1.0",
    "train.ema=0.0",
    "train.progress=false",
)


def inline(spec: Spec) -> str:
    """A component as `--set` takes it."""
    return "{" + ", ".join(f"{key}={json.dumps(value)}" for key, value in {"name": spec.name, **spec.args}.items()) + "}"


def measured(name: str) -> dict[str, object]:
    """One row; what was trained before is read, not trained again."""
    folder = RUNS / name.replace(" ", "_")
    if not (folder / "metrics.json").is_file():
        whole, rate = made(*NETWORKS[name])
        recipe = whole.recipe
        assert isinstance(recipe.frontend, Spec)
        own = (f"sample_rate={rate}", f"frontend={inline(recipe.frontend)}", f"model={inline(recipe.model)}", 'head.name="mean_pool"')
        train("esc10", recipe="default", set_=(*own, *SETTINGS), out=folder)
    written = folder / "metrics.json"
    metrics = json.loads(written.read_text())
    log = list(csv.DictReader((folder / "log.csv").open(encoding="utf-8")))
    score, protocol = metrics["scores"]["accuracy"], metrics["protocol"]
    return {
        "network": name,
        "corpus": "esc10",
        "protocol": protocol["rule"],
        "selection": protocol["selection"],
        "epochs": len(log),
        "train_loss": f"{float(log[-1]['train_loss']):.3f}",
        **{key: f"{score[key]:.3f}" for key in ("value", "low", "high")},
        "clips": protocol["test_clips"],
        "date": datetime.datetime.fromtimestamp(written.stat().st_mtime, tz=datetime.UTC).date().isoformat(),  # of the training
        "machine": _measure.machine(),
    }


def main(names: list[str]) -> None:
    """Trains what is missing and writes after each network."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    rows = {row["network"]: row for row in csv.DictReader(PATH.open(encoding="utf-8"))} if PATH.is_file() else {}
    for name in names or NETWORKS:
        rows[name] = {key: str(value) for key, value in measured(name).items()}
        with PATH.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(rows[name]), lineterminator="\n", restval="", extrasaction="ignore")
            table.writeheader()
            table.writerows(rows[each] for each in NETWORKS if each in rows)
        print(rows[name], flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
