"""Padding as silence of the network: frames behind a clip's end are zero at the input of every layer that looks around itself.

A convolution with zero padding sees zeros behind the last frame of a clip alone; in a batch it would see what earlier layers made of the
padding. Zeroing it again before each layer makes a row in a batch equal to the row alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

_MAP = 4  # axes of a map of channels, bins and frames


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
        [B, ..., N] map; the given one where every row is whole.
    """
    here = x.device.type == "cpu" and not torch.compiler.is_compiling()  # asking an accelerator would take longer, a graph can't ask
    if here and bool((length >= x.shape[-1]).all()):
        return x
    mask = valid(length, x.shape[-1]).to(x.dtype)
    mask = mask.view(mask.shape[0], *[1] * (x.ndim - 2), mask.shape[1])
    if here and x.ndim == _MAP and x.is_contiguous(memory_format=torch.channels_last):
        # One factor spread over all channels takes several times as long as one for each, beside it in memory.
        mask = mask.expand(-1, x.shape[1], -1, -1).contiguous(memory_format=torch.channels_last)
    return x * mask
