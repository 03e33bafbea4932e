"""Who is mixed with whom, and how much of each."""

from __future__ import annotations

import torch
from torch import Tensor


def mixtures(rng: torch.Generator, rows: int, *, alpha: float) -> tuple[Tensor, Tensor]:
    """A partner for each row, and the row's own weight.

    Args:
        rng: source of chance.
        rows: how many there are.
        alpha: shape of the Beta distribution that weights come from.

    Returns:
        [B] int64 partners, each row once, and [B] weights of at least a half: a pair is not drawn twice.
    """
    partner = torch.randperm(rows, generator=rng)
    # Beta(a, a) as a ratio of gamma variables; torch._standard_gamma is the only one that takes a generator.
    gamma = torch._standard_gamma(torch.full((2, rows), alpha), generator=rng).clamp(min=1e-9)
    weight = gamma[0] / gamma.sum(0)
    return partner, torch.maximum(weight, 1 - weight)
