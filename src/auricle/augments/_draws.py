"""Values drawn for each row from a generator, as every effect draws them."""

from __future__ import annotations

import torch
from torch import Tensor


def chosen(rng: torch.Generator, rows: int, *, p: float) -> Tensor:
    """Which rows are changed.

    Args:
        rng: source of chance.
        rows: how many there are.
        p: probability of each.

    Returns:
        [B] bool.
    """
    return torch.rand(rows, generator=rng) < p


def evenly(rng: torch.Generator, rows: int, *, least: float, most: float) -> Tensor:
    """A value for each row, every one between the limits equally likely.

    Args:
        rng: source of chance.
        rows: how many there are.
        least: lower limit.
        most: upper limit.

    Returns:
        [B] values.
    """
    return least + (most - least) * torch.rand(rows, generator=rng)


def by_ratio(rng: torch.Generator, rows: int, *, least: float, most: float) -> Tensor:
    """A value for each row, every ratio between the limits equally likely: as many in one octave as in the next.

    Args:
        rng: source of chance.
        rows: how many there are.
        least: lower limit, above 0.
        most: upper limit.

    Returns:
        [B] values.
    """
    return least * (most / least) ** torch.rand(rows, generator=rng)
