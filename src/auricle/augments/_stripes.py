"""Where stripes of a feature are hidden, the same along frames and along bins."""

from __future__ import annotations

import torch
from torch import Tensor


def kept(rng: torch.Generator, shape: tuple[int, int], *, stripes: int, most: int, least: int, p: float) -> Tensor:
    """What stays visible: whole stripes, each width from the narrowest to the widest and each place where it fits equally likely.

    Args:
        rng: source of chance.
        shape: rows, and places along the axis that is masked.
        stripes: stripes in a masked row.
        most: places of the widest stripe.
        least: places of the narrowest.
        p: probability that a row is masked.

    Returns:
        [B, places] bool.
    """
    rows, total = shape
    width = least + (torch.rand(rows, stripes, generator=rng) * (most - least + 1)).floor()
    start = (torch.rand(rows, stripes, generator=rng) * (total - width + 1)).floor()
    width = width * (torch.rand(rows, 1, generator=rng) < p)
    at = torch.arange(total)[None, None]
    hidden = (at >= start[..., None]) & (at < (start + width)[..., None])
    return ~hidden.any(1)


def widths(total: int, *, fractions: tuple[float, float], widest: int) -> tuple[int, int]:
    """Places of the narrowest and of the widest stripe.

    Args:
        total: places along the axis.
        fractions: narrowest and widest, as shares of all places.
        widest: widest in places, or 0 where the fractions alone decide.

    Returns:
        Both, neither beyond the axis.
    """
    most = min(int(fractions[1] * total), widest or total)
    return min(int(fractions[0] * total), most), most
