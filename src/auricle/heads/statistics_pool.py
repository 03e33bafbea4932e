"""Mean and standard deviation over the valid steps, then one linear layer.

Snyder et al. 2018 (X-vectors, section 2.1) and what frozen features are usually probed by. The deviation is taken about the whole clip's
mean: not streamable.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.heads._pooled import Pooled
from auricle.layers.masked import valid

_LEAST = 1e-10  # variance of a row of one step; a root of nothing has no gradient


class StatisticsPool(Pooled):
    """Masked mean beside masked deviation, and linear classifier.

    Args:
        dim: features of the hidden sequence.
        classes: logits.
    """

    streamable = False

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.dim = dim
        self.linear = nn.Linear(2 * dim, classes)

    def embedding(self, hidden: Tensor, length: Tensor) -> Tensor:
        """What the classifier hears of each row.

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
