"""Each row of a batch backwards, so that recurrence can run from a clip's end and never meets the padding."""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.layers.masked import valid


def turned(sequence: Tensor, length: Tensor) -> Tensor:
    """Each row's valid steps in reverse order, padding left where it is.

    Args:
        sequence: [B, M, D] steps.
        length: [B] valid steps.

    Returns:
        [B, M, D] steps; turning twice gives the sequence back.

    >>> turned(torch.tensor([[[1.0], [2.0], [3.0], [9.0]]]), torch.tensor([3])).flatten().tolist()
    [3.0, 2.0, 1.0, 9.0]
    """
    steps = sequence.shape[1]
    at = torch.arange(steps, device=sequence.device)[None]
    mirrored = torch.where(valid(length, steps), length[:, None] - 1 - at, at)
    return sequence.gather(1, mirrored[..., None].expand_as(sequence))
