"""Distillation: the teacher's softened answers beside the labels, for one label a clip (Hinton et al. 2015, section 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Distillation(nn.Module):
    """weight · T² · KL(teacher ‖ softmax(logits / T)) + (1 - weight) · cross entropy.

    Args:
        temperature: T, by which both sides' logits are divided.
        weight: share of the teacher's part.
        label_smoothing: of the labels' part.
    """

    needs = ("teacher",)

    def __init__(self, *, temperature: float = 2.0, weight: float = 0.7, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.temperature, self.weight, self.label_smoothing = temperature, weight, label_smoothing

    def soften(self, logits: Tensor) -> Tensor:
        """The teacher's answer as rows that may be mixed.

        Args:
            logits: [B, K] of the teacher.

        Returns:
            [B, K] rows that sum to 1.
        """
        return torch.softmax(logits / self.temperature, -1)

    def forward(self, logits: Tensor, target: Tensor, *, teacher: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B] class indices, or [B, K] rows that sum to 1.
            teacher: [B, K] softened rows.

        Returns:
            [] mean over rows.
        """
        labels = nn.functional.cross_entropy(logits, target, label_smoothing=self.label_smoothing)
        ours = torch.log_softmax(logits / self.temperature, -1)
        divergence: Tensor = (torch.special.xlogy(teacher, teacher) - teacher * ours).sum(-1).mean()
        return self.weight * self.temperature**2 * divergence + (1 - self.weight) * labels
