"""Distillation for any number of labels a clip, as EfficientAT's from transformers (Schmid et al. 2023, equation 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.losses._classes import rows


class BinaryDistillation(nn.Module):
    """weight · BCE(logits, teacher) + (1 - weight) · BCE(logits, target).

    Args:
        weight: share of the teacher's part; the paper's λ is 1 - weight.
    """

    needs = ("teacher",)

    def __init__(self, *, weight: float = 0.9) -> None:
        super().__init__()
        self.weight = weight

    def soften(self, logits: Tensor) -> Tensor:
        """The teacher's answer as rows that may be mixed.

        Args:
            logits: [B, K] of the teacher.

        Returns:
            [B, K] in [0, 1].
        """
        return torch.sigmoid(logits)

    def forward(self, logits: Tensor, target: Tensor, *, teacher: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B, K] multi-hot or mixed rows in [0, 1], or [B] class indices.
            teacher: [B, K] in [0, 1].

        Returns:
            [] mean over rows and classes.
        """
        score = nn.functional.binary_cross_entropy_with_logits
        return self.weight * score(logits, teacher) + (1 - self.weight) * score(logits, rows(target, logits))
