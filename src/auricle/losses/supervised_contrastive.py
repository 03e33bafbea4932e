"""Supervised contrastive loss beside cross entropy: clips of one class closer to each other (Khosla et al. 2020, equation 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.losses._classes import rows


class SupervisedContrastive(nn.Module):
    """(1 - weight) · cross entropy + weight · the contrastive loss of the embeddings on the unit sphere.

    A row's positives are the other rows by the inner product of their targets: its class's rows where targets are hard, in proportion
    where they are mixed. Rows without any positive are left out.

    Args:
        weight: share of the contrastive part.
        temperature: by which cosines are divided.
        label_smoothing: of the labels' part.
    """

    needs = ("embedding",)

    def __init__(self, *, weight: float = 0.5, temperature: float = 0.1, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.weight, self.temperature, self.label_smoothing = weight, temperature, label_smoothing

    def forward(self, logits: Tensor, target: Tensor, *, embedding: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B] class indices, or [B, K] rows that sum to 1.
            embedding: [B, D].

        Returns:
            [].
        """
        labels = nn.functional.cross_entropy(logits, target, label_smoothing=self.label_smoothing)
        share = rows(target, logits)
        return (1 - self.weight) * labels + self.weight * self.contrast(embedding, share @ share.T)

    def contrast(self, embedding: Tensor, alike: Tensor) -> Tensor:
        """The contrastive part.

        Args:
            embedding: [B, D].
            alike: [B, B] how much each two rows are positives of each other.

        Returns:
            [] mean over rows that have positives.
        """
        unit = nn.functional.normalize(embedding, dim=-1)
        itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
        cosine = (unit @ unit.T / self.temperature).masked_fill(itself, float("-inf"))
        chance = cosine.log_softmax(-1).masked_fill(itself, 0.0)
        positive = alike.masked_fill(itself, 0.0)
        total = positive.sum(-1)
        each = -(positive * chance).sum(-1) / total.clamp(min=1e-12)
        there = total > 0
        return (each * there).sum() / there.sum().clamp(min=1)
