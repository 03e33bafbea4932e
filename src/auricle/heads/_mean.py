"""The mean over valid steps, for whole clips and followed over time: over all steps so far, or over a window of the last few."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.layers.masked import valid
from auricle.types import State


def mean(hidden: Tensor, length: Tensor) -> Tensor:
    """The mean of each row's valid steps.

    Args:
        hidden: [B, D, M] steps.
        length: [B] valid steps; a row with none has its first.

    Returns:
        [B, D] means.
    """
    length = length.clamp(min=1)
    inside = valid(length, hidden.shape[-1])[:, None].to(hidden.dtype)
    return (hidden * inside).sum(-1) / length[:, None].to(hidden.dtype)


def start(like: Tensor, rows: int, dim: int, window: int) -> State:
    """The state before the first step.

    Args:
        like: [...] any tensor of the wanted kind and device.
        rows: B.
        dim: D.
        window: steps that the mean is over; 0 takes all so far.

    Returns:
        `count` [B, 1] steps so far, and `total` [B, D] their sum or `recent` [B, D, window] the last of them.
    """
    kept = {"recent": like.new_zeros(rows, dim, window)} if window else {"total": like.new_zeros(rows, dim)}
    return {"count": like.new_zeros(rows, 1), **kept}


def step(hidden: Tensor, state: State) -> tuple[Tensor, State]:
    """The mean after each of the next steps.

    Args:
        hidden: [B, D, M] steps.
        state: what `start` or the last `step` gave.

    Returns:
        [B, M, D] means, and the next state.
    """
    steps = hidden.shape[-1]
    count = state["count"] + torch.arange(1, steps + 1, device=hidden.device, dtype=hidden.dtype)[None]  # [B, M]
    after: State = {"count": count[:, -1:]}
    if "total" in state:
        sums = state["total"][..., None] + hidden.cumsum(-1)
        after["total"] = sums[..., -1]
    else:
        window = state["recent"].shape[-1]
        joined = torch.cat([state["recent"], hidden], dim=-1)
        sums = nn.functional.avg_pool1d(joined[..., 1:], window, stride=1) * window
        after["recent"] = joined[..., steps:]
        count = count.clamp(max=window)
    return (sums / count[:, None]).transpose(1, 2), after
