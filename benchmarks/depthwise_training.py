"""Training steps in mixed precision with depthwise convolutions in single precision where their gradient is slow, and with all in bfloat16.

The same network, weights and batch; forward and backward pass from the finished feature, one thread. The two take turns; the least
processor time of each counts.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from functools import partial

import torch
from torch import Tensor, nn

import _measure
from auricle.learning.depthwise import single
from model_costs import NETWORKS, fastest, made

NAMES = ("MobileNetV3 mn04", "MobileNetV3 mn10", "EfficientNet-B0", "ConvNeXt-T", "MobileNetV2")


def step(pipe: nn.Module, feature: Tensor, frames: Tensor, *, widened: bool) -> None:
    """One pass, forward and back."""
    pipe.zero_grad()
    with single(pipe) if widened else contextlib.nullcontext(), torch.autocast("cpu", torch.bfloat16):
        hidden, steps = pipe.model(feature, frames)
        logits = pipe.head(hidden, steps)
    nn.functional.cross_entropy(logits.float(), torch.arange(len(logits)) % logits.shape[1]).backward()


def measured(name: str, turns: int) -> dict[str, object]:
    """One row."""
    whole, rate = made(*NETWORKS[name])
    pipe = whole.pipe.train()
    pipe.to(memory_format=torch.channels_last)
    rows = 4 if name.startswith("ConvNeXt") else 16
    wave = torch.randn(rows, 3 * rate, generator=torch.Generator().manual_seed(0)) * 0.05
    length = torch.full((rows,), 3 * rate) - torch.arange(rows) * (rate // 10)
    with torch.no_grad():
        feature, frames = pipe.frontend(wave, length)
    ways = {way: partial(step, pipe, feature, frames, widened=way == "single") for way in ("bfloat16", "single")}
    least = fastest(ways, turns, clock=time.process_time)
    return {
        "network": name,
        "rows": rows,
        "seconds": 3.0,
        "threads": 1,
        "bfloat16_ms": least["bfloat16"],
        "ms": least["single"],
        "times": round(least["bfloat16"] / least["single"], 2),
    }


def main() -> None:
    """Measures and writes."""
    words = argparse.ArgumentParser()
    words.add_argument("--turns", type=int, default=5)
    asked = words.parse_args()
    torch.set_num_threads(1)
    _measure.write("depthwise_training", [measured(name, asked.turns) for name in NAMES])


if __name__ == "__main__":
    main()
