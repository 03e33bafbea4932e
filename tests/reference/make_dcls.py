"""Kernels of the DCLS package, written beside this file: `pip install DCLS==0.1.1`, then run it."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from DCLS.construct.modules import ConstructKernel2d


def wave(*shape: int, scale: float, shift: float = 0.0) -> torch.Tensor:
    """Numbers that anyone can make again."""
    return (scale * torch.cos(1.7 * torch.arange(torch.Size(shape).numel(), dtype=torch.float64) ** 1.2 + shift)).float().reshape(shape)


kernels = {}
for version in ("v0", "v1", "max", "gauss"):
    # Square, for the package takes the centre of the other axis in all but v0. Places reach the edges.
    construct = ConstructKernel2d(3, 2, 1, 4, (5, 5), version)
    kernel = construct(wave(3, 2, 4, scale=1), wave(2, 3, 2, 4, scale=2, shift=1), wave(2, 3, 2, 4, scale=0.6, shift=2))
    kernels[version] = [round(float(value), 6) for value in kernel.flatten()]
Path(__file__).with_name("dcls.json").write_text(json.dumps(kernels), encoding="utf-8")
