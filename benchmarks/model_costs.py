"""What networks cost on 10 s of sound: parameters, products, latency of one clip and of 32, one and two threads, torch and exported.

Each with its usual front end (`auricle show models`) and a head of 10 classes; random weights, which cost what trained ones do. "torch" is
the model from the finished feature; "exported" is the whole file, wave to probabilities, in ONNX Runtime. The two take turns; the fastest
call of each counts, for others' work on the machine only ever adds. A published figure is its authors' under their condition; what was
measured here is in model_accuracy.csv. Naming networks measures these alone and keeps the other rows.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

import _measure
from auricle import bundle, recipe
from auricle.errors import MissingExtraError
from auricle.exporters.onnx import Onnx
from auricle.reports import network
from auricle.types import Spec, Task
from auricle.verbs import _networks

DCLS = {"stem_kernel": [2, 16], "stem_stride": [2, 16], "stem_padding": 0, "bin_norm": False, "taps": 26, "kernel": 23}
NETWORKS: dict[str, tuple[str, dict[str, object]]] = {
    "ResNet18": ("vision", {"backbone": "resnet18"}),
    "ResNet50": ("vision", {"backbone": "resnet50"}),
    "EfficientNet-B0": ("vision", {"backbone": "efficientnet_b0"}),
    "CRNN": ("crnn", {}),
    "parallel CRNN": ("parallel_crnn", {}),
    "CNN14": ("cnn14", {}),
    "CNN14 separable": ("cnn14_separable", {}),
    "ConvNeXt-T": ("conv_next", {}),
    "ConvNeXt-T DCLS": ("conv_next", DCLS),
    "MobileNetV1": ("mobile_net_v1", {}),
    "MobileNetV2": ("mobile_net_v2", {}),
    "MobileNetV3 mn04": ("mobile_net", {"width": 0.4}),
    "MobileNetV3 mn10": ("mobile_net", {"width": 1.0}),
    **{f"BC-ResNet-{width:g}": ("bc_resnet", {"width": width}) for width in (1.0, 1.5, 2.0, 3.0, 6.0, 8.0)},
}
SEPARABLE = {"name": "log_mel", "flavour": "panns_32k"}
OTHERS = {"cnn14_separable": (32_000, SEPARABLE)}  # made beside CNN14, on its front end


def made(kind: str, settings: dict[str, object]) -> tuple[bundle.Bundle, int]:
    """An untrained bundle of a network, and its sample rate."""
    usual = network.usual(kind)
    if kind in OTHERS:
        rate, frontend = OTHERS[kind]
        usual = recipe.parse({"sample_rate": rate, "frontend": frontend})
    if "taps" in settings:
        usual = recipe.parse({"sample_rate": 32_000, "frontend": {"name": "log_mel", "flavour": "dcls_audio"}})
    feed = dataclasses.replace(usual.feed, seconds=10.0)
    parsed = recipe.parse({"model": {"name": kind, **settings}})
    asked = dataclasses.replace(usual, model=parsed.model, head=Spec("mean_pool", {}), feed=feed)
    torch.manual_seed(0)
    task = Task(tuple(f"class {i}" for i in range(10)), "single")
    asked = recipe.parse(asked.tree())
    return bundle.Bundle(bundle.build(asked, task).eval(), asked, task), usual.sample_rate


def fastest(calls: dict[str, Callable[[], object]], turns: int, *, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Milliseconds of the fastest call of each; they take turns."""
    least = dict.fromkeys(calls, float("inf"))
    for turn in range(turns + 1):
        for name, call in calls.items():
            began = clock()
            call()
            least[name] = min(least[name], clock() - began) if turn else least[name]
    return {name: round(1e3 * each, 2) for name, each in least.items()}


def measured(name: str, turns: int) -> dict[str, object]:
    """One row."""
    kind, settings = NETWORKS[name]
    whole, rate = made(kind, settings)
    pipe, samples = whole.pipe, 10 * rate
    row: dict[str, object] = {
        "network": name,
        "model": kind,
        "settings": ", ".join(f"{key}={value}" for key, value in settings.items()),
        "frontend": f"{whole.recipe.frontend.name}, {pipe.frontend.bins} bins, {rate} Hz",  # type: ignore[union-attr]
        "parameters": sum(p.numel() for p in pipe.model.parameters()),
        "macs_10_s": network.products(pipe, seconds=10.0, sample_rate=rate),
        "published": _networks.row(kind)["published"] if _networks.measures().get(kind, {}).get("settings", {}) == settings else "",
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Onnx().write(whole, path)
        row["file_mb"] = round(path.stat().st_size / 1e6, 2)
        runners = {threads: Onnx().open(path, threads=threads) for threads in (1, 2)}
    for rows in (1, 32):
        wave = torch.randn(rows, samples) * 0.05
        length = torch.full((rows,), samples)
        feature, frames = pipe.frontend(wave, length)
        for threads in (1, 2):
            torch.set_num_threads(threads)
            heavy = int(row["macs_10_s"]) > 2e9  # type: ignore[call-overload]
            calls = {
                f"torch_{rows}_clips_{threads}_threads_ms": partial(pipe.model, feature, frames),
                f"exported_{rows}_clips_{threads}_threads_ms": partial(runners[threads].run, wave.numpy()),
            }
            row |= fastest(calls, turns if rows == 1 else 1 + (not heavy))
    return row


def known() -> list[dict[str, object]]:
    """The rows of the last run."""
    path = _measure.RESULTS / "model_costs.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if k not in ("date", "machine", "load")} for row in csv.DictReader(file)]


def main() -> None:
    """Measures and writes."""
    words = argparse.ArgumentParser()
    words.add_argument("networks", nargs="*", help="names as in the table; all of them")
    words.add_argument("--turns", type=int, default=8)
    asked = words.parse_args()
    torch.set_grad_enabled(False)
    rows = {row["network"]: row for row in known()} if asked.networks else {}
    for name in asked.networks or NETWORKS:
        try:
            rows[name] = measured(name, asked.turns)
        except MissingExtraError as missing:
            print(f"{name}: {missing}")
        _measure.write("model_costs", [rows[each] for each in NETWORKS if each in rows])


if __name__ == "__main__":
    main()
