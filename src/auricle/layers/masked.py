"""Padding as silence of the network: frames behind a clip's end are zero at the input of every layer that looks around itself.

A convolution with zero padding sees zeros behind the last frame of a clip alone; in a batch it would see what earlier layers made of the
padding. Zeroing it again before each layer makes a row in a batch equal to the row alone.
"""

from __future__ import annotations

import torch
from torch import Tensor


def valid(length: Tensor, total: int) -> Tensor:
    """Which frames belong to the clip.

    Args:
        length: [B] valid frames.
        total: N frames of the batch.

    Returns:
        [B, N] bool.
    """
    return torch.arange(total, device=length.device)[None] < length[:, None]


def masked(x: Tensor, length: Tensor) -> Tensor:
    """The same map with zeros behind each row's end.

    Args:
        x: [B, ..., N] map.
        length: [B] valid frames.

    Returns:
        [B, ..., N] map.
    """
    mask = valid(length, x.shape[-1]).to(x.dtype)
    return x * mask.view(mask.shape[0], *[1] * (x.ndim - 2), mask.shape[1])
