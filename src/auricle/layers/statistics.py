"""Mean and standard deviation over the valid steps of a clip.

Snyder et al. 2018 (X-vectors, section 2.1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.layers.masked import valid

_LEAST = 1e-10  # variance of a row of one step; a root of nothing has no gradient


def statistics(hidden: Tensor, length: Tensor) -> Tensor:
    """Two figures for each feature of each row.

    Args:
        hidden: [B, D, M] steps.
        length: [B] valid steps; a row with none is pooled over its first.

    Returns:
        [B, 2D] means, then deviations.
    """
    length = length.clamp(min=1)
    inside = valid(length, hidden.shape[-1])[:, None]
    count = length[:, None].to(hidden.dtype)
    mean = torch.where(inside, hidden, hidden.new_zeros(())).sum(-1) / count
    apart = torch.where(inside, hidden - mean[..., None], hidden.new_zeros(()))
    return torch.cat([mean, (apart.square().sum(-1) / count + _LEAST).sqrt()], dim=1)
