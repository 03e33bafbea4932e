"""Where stripes of a feature are hidden, the same along frames and along bins."""

from __future__ import annotations

import torch
from torch import Tensor


def kept(rng: torch.Generator, shape: tuple[int, int], *, stripes: int, max_fraction: float, p: float) -> Tensor:
    """What stays visible: whole stripes, each width from none to the widest and each place where it fits equally likely.

    Args:
        rng: source of chance.
        shape: rows, and places along the axis that is masked.
        stripes: stripes in a masked row.
        max_fraction: widest stripe, as a share of all places.
        p: probability that a row is masked.

    Returns:
        [B, places] bool.
    """
    rows, total = shape
    width = (torch.rand(rows, stripes, generator=rng) * (int(max_fraction * total) + 1)).floor()
    start = (torch.rand(rows, stripes, generator=rng) * (total - width + 1)).floor()
    width = width * (torch.rand(rows, 1, generator=rng) < p)
    at = torch.arange(total)[None, None]
    hidden = (at >= start[..., None]) & (at < (start + width)[..., None])
    return ~hidden.any(1)
