"""The gradient of a depthwise kernel by way of the Fourier transform, and as oneDNN sums it: maps of ConvNeXt's stages, one thread.

First kernels alone, in single precision, with channels first or last, whichever oneDNN is quicker with; then a whole training step of
ConvNeXt-T with learnable spacings, in mixed precision. The ways take turns; the least processor time of each counts.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from unittest.mock import patch

import torch
from torch import Tensor

import _measure
from auricle.layers import large_kernel
from auricle.layers.large_kernel import correlation
from depthwise_training import step
from model_costs import NETWORKS, fastest, made

ROWS = 16
MAPS = ((96, 64, 31), (192, 32, 15), (384, 16, 7), (768, 8, 3))
SIZES = (7, 9, 11, 13, 17, 23)


def summed(x: Tensor, back: Tensor, size: int) -> Tensor:
    """As torch takes it."""
    kernel = torch.empty(x.shape[1], 1, size, size)
    padding = [size // 2] * 2
    asked = [False, True, False]
    return torch.ops.aten.convolution_backward(back, x, kernel, None, [1, 1], padding, [1, 1], False, [0, 0], x.shape[1], asked)[1]


def alone(size: int, map_: tuple[int, int, int], turns: int) -> dict[str, object]:
    """One kernel on one map."""
    draws = torch.Generator().manual_seed(0)
    x, back = (torch.randn(ROWS, *map_, generator=draws) for _ in range(2))
    last = [each.contiguous(memory_format=torch.channels_last) for each in (x, back)]
    ways = {
        "first": partial(summed, x, back, size),
        "last": partial(summed, *last, size),
        "transform": partial(correlation, *last, bins=size, frames=size),
    }
    apart = (ways["first"]() - ways["transform"]()).abs().max() / ways["first"]().abs().max()
    least = fastest(ways, turns, clock=time.process_time)
    return row("kernel", size, map_, min(least["first"], least["last"]), least["transform"], f"{float(apart):.0e}")


def row(what: str, size: int, map_: tuple[int, ...], before: float, now: float, apart: str) -> dict[str, object]:
    """As it is written."""
    return {
        "what": what,
        "kernel": size,
        "map": " ".join(map(str, map_)),
        "rows": ROWS,
        "summed_ms": before,
        "transform_ms": now,
        "times": round(before / now, 2),
        "apart": apart,
    }


def stepped(turns: int) -> dict[str, object]:
    """Training steps of the whole network."""
    whole, rate = made(*NETWORKS["ConvNeXt-T DCLS"])
    pipe = whole.pipe.train()
    pipe.to(memory_format=torch.channels_last)
    wave = torch.randn(ROWS, 5 * rate, generator=torch.Generator().manual_seed(0)) * 0.05
    with torch.no_grad():
        feature, frames = pipe.frontend(wave, torch.full((ROWS,), 5 * rate))

    def summing() -> None:
        with patch.object(large_kernel, "_SMALLEST", 10**9):
            step(pipe, feature, frames, widened=True)

    ways = {"summed": summing, "transform": partial(step, pipe, feature, frames, widened=True)}
    least = fastest(ways, turns, clock=time.process_time)
    return row("training step", 23, feature.shape[1:], least["summed"], least["transform"], "")


def main() -> None:
    """Measures and writes."""
    words = argparse.ArgumentParser()
    words.add_argument("--turns", type=int, default=3)
    asked = words.parse_args()
    torch.set_num_threads(1)
    rows = [alone(size, map_, asked.turns) for size in SIZES for map_ in MAPS]
    _measure.write("large_kernels", [*rows, stepped(asked.turns)])


if __name__ == "__main__":
    main()
