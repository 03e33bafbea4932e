"""Identity whose gradient is turned round (Ganin et al. 2016, section 4.2)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradients[0], None


def gradient_reversal(values: Tensor, strength: float) -> Tensor:
    """The values; their gradient is multiplied by -strength.

    Args:
        values: [...] of any shape.
        strength: at least 0.

    Returns:
        [...] the same values.
    """
    reversed_: Tensor = _Reversal.apply(values, strength)  # type: ignore[no-untyped-call]
    return reversed_
