"""Tapers by the definitions in use, in double precision."""

from __future__ import annotations

import math
from typing import Literal, get_args

import torch
from torch import Tensor

from auricle.errors import RequestError

Window = Literal["hann", "hann_symmetric", "hamming", "hamming_periodic", "povey", "blackman", "rectangular"]


def window(name: Window, win: int, *, blackman: float = 0.42) -> Tensor:
    """A taper.

    Periodic ones have a period of `win` samples (librosa, torch), symmetric ones end as they begin (Kaldi, HTK). Povey's is the symmetric
    Hann window to the power 0.85 (Kaldi, feature-window.cc).

    Args:
        name: "hann" and "hamming_periodic" are periodic, the others symmetric.
        win: samples.
        blackman: constant term of "blackman".

    Returns:
        [win] float64 weights.

    Raises:
        RequestError: no such window.
    """
    n = torch.arange(win, dtype=torch.float64)
    period = win if name in {"hann", "hamming_periodic"} else max(win - 1, 1)
    turn = torch.cos(2 * math.pi * n / period)
    if name in {"hann", "hann_symmetric"}:
        return 0.5 - 0.5 * turn
    if name in {"hamming", "hamming_periodic"}:
        return 0.54 - 0.46 * turn
    if name == "povey":
        return (0.5 - 0.5 * turn).clamp(min=0).pow(0.85)
    if name == "blackman":
        return blackman - 0.5 * turn + (0.5 - blackman) * torch.cos(4 * math.pi * n / period)
    if name == "rectangular":
        return torch.ones(win, dtype=torch.float64)
    raise RequestError(f"{name!r} is not a window; there are {', '.join(get_args(Window))}")
