"""How much each step of a clip matters: scores that become shares of one.

Soft attention over time (Bahdanau et al. 2015, equations 5 and 6, with a learnt query in place of a decoder's state): one score a step, a
softmax over the valid steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.layers.masked import valid


def shares(score: Tensor, length: Tensor) -> Tensor:
    """The softmax of scores over each row's valid steps.

    Args:
        score: [B, ..., M] scores.
        length: [B] valid steps; a row with none gives all to its first.

    Returns:
        [B, ..., M] shares, which sum to 1 over the valid steps and are 0 behind them.

    >>> shares(torch.tensor([[1.0, 1.0, 9.0]]), torch.tensor([2])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    inside = valid(length.clamp(min=1), score.shape[-1])
    spread = inside.view(inside.shape[0], *[1] * (score.ndim - 2), inside.shape[1])
    return score.masked_fill(~spread, -torch.inf).softmax(-1)
