"""A frame's log energy as Kaldi and HTK put it beside the spectrum (feature-window.cc, ProcessWindow)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from auricle.frontends._frame import Framing

Energy = Literal["none", "raw", "windowed"]
EPSILON = 1.1920928955078125e-07  # the step of float32 at 1, Kaldi's least energy


def log_energy(wave: Tensor, framing: Framing, window: Tensor, *, energy: Energy, floor: float) -> Tensor:
    """Natural logarithm of each frame's summed squares.

    Args:
        wave: [B, T'] samples as `Framing.extended` gives them.
        framing: where the frames lie.
        window: [win] taper.
        energy: "raw" before pre-emphasis and taper, "windowed" after both.
        floor: least energy; 0 has none but the float's own.

    Returns:
        [B, 1, N] log energy.
    """
    raw = energy == "raw"
    frames = replace(framing, pre_emphasis=0.0).columns(wave) if raw else framing.columns(wave) * window[:, None].to(wave)
    # Frame by frame in one piece: across frames the sum's order would depend on how many there are.
    energies = frames.transpose(1, 2).contiguous().square().sum(2)[:, None]
    level = torch.log(energies.clamp(min=EPSILON))
    return level.clamp(min=math.log(floor)) if floor > 0 else level
