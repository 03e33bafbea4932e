"""Antialiased bilinear resizing of one axis as a product with a matrix made in the graph, so that the axis may have any length."""

from __future__ import annotations

import torch
from torch import Tensor


def resized(level: Tensor, counts: Tensor, size: int) -> Tensor:
    """The last axis at another size.

    Point i of the new axis is the mean of the old one under a triangle around (i + 1/2)·scale - 1/2 whose half width is
    max(scale, 1), scale = old / new: the filter of Pillow's and torch's antialiased bilinear resize.

    Args:
        level: [B, F, N] values.
        counts: [B] how many of the N are the row's own.
        size: points of the new axis.

    Returns:
        [B, F, size] values.
    """
    own = counts.to(level)[:, None, None]
    scale = own / size
    width = scale.clamp(min=1)
    centre = (torch.arange(size, device=level.device).to(level) + 0.5) * scale  # [B, 1, size]
    at = (torch.arange(level.shape[2], device=level.device).to(level) + 0.5)[None, :, None]
    weights = (1 - (at - centre).abs() / width).clamp(min=0) * (at < own)  # [B, N, size]
    return level @ (weights / weights.sum(1, keepdim=True))
