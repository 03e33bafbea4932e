"""Sums over time that must not depend on how long the other rows of the batch are."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def by_row(value: Tensor, frames: Tensor, rule: Callable[[Tensor], Tensor]) -> Tensor:
    """A rule applied to each row's valid part alone.

    A sum over a padded row adds up in another order for another padding, and its last bit tells how long the batch was; so each row is cut
    to its own length first.

    Args:
        value: [B, F, N] values.
        frames: [B] valid frames; a row of none keeps one.
        rule: from one row's [F, n] to anything of a fixed shape.

    Returns:
        [B, ...] what the rule gave, stacked.
    """
    counts = frames.tolist()
    return torch.stack([rule(row[:, : max(int(n), 1)].contiguous()) for row, n in zip(value, counts, strict=True)])


def valid(value: Tensor, frames: Tensor) -> Tensor:
    """Which frames count.

    Args:
        value: [B, F, N] values.
        frames: [B] valid frames.

    Returns:
        [B, 1, N] booleans.
    """
    return torch.arange(value.shape[-1], device=value.device) < frames.to(value.device)[:, None, None]
