"""What a class's rarity makes of its clips' weight."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auricle.errors import RequestError

Weighing = Literal["none", "inverse", "effective"]


def weights(counts: Tensor, how: Weighing, beta: float) -> Tensor:
    """A weight for each class, 1 on average over the classes that occur.

    Args:
        counts: [K] training clips of each class.
        how: "inverse" of the count, or of the "effective" number (1 - beta^n) / (1 - beta) (Cui et al. 2019, equation 2).
        beta: of the effective number, in [0, 1).

    Returns:
        [K]; 0 for a class without clips, all 1 for "none".

    Raises:
        RequestError: beta is outside [0, 1).
    """
    if not 0 <= beta < 1:
        raise RequestError(f"loss.beta is {beta}; wanted at least 0 and less than 1")
    if how == "none":
        return torch.ones_like(counts)
    there = counts > 0
    number = counts if how == "inverse" else (1 - beta**counts) / (1 - beta)
    inverse = torch.where(there, 1 / number.clamp(min=1e-12), torch.zeros_like(counts))
    return inverse * there.sum() / inverse.sum()


class ClassWeighted(nn.Module):
    """A loss that may weigh classes.

    Args:
        class_weights: what rare classes count more by.
        beta: of the effective number.
    """

    def __init__(self, class_weights: Weighing, beta: float) -> None:
        super().__init__()
        self.class_weights, self.beta = class_weights, beta
        self.weight: Tensor | None = None

    def fit(self, counts: Tensor) -> None:
        """Settle the classes' weights.

        Args:
            counts: [K] training clips of each class.
        """
        self.weight = None if self.class_weights == "none" else weights(counts, self.class_weights, self.beta)


def rows(target: Tensor, logits: Tensor) -> Tensor:
    """Targets as rows.

    Args:
        target: [B] class indices or [B, K] rows.
        logits: [B, K], for their shape and type.

    Returns:
        [B, K] in the logits' type.
    """
    if target.ndim == 2:
        return target.to(logits.dtype)
    return nn.functional.one_hot(target, logits.shape[-1]).to(logits.dtype)
