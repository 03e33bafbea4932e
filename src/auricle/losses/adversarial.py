"""Domain-adversarial training: embeddings from which the domain can't be told (Ganin et al. 2016, sections 4 and 5.2.2)."""

from __future__ import annotations

import math

from torch import Tensor, nn

from auricle.layers.gradient_reversal import gradient_reversal
from auricle.losses._domains import labelled_cross_entropy


class Adversarial(nn.Module):
    """Cross entropy of the labelled rows + binary cross entropy of a domain classifier behind a gradient reversal.

    The reversal's strength grows as 2 / (1 + exp(-10 · progress)) - 1, times `weight`.

    Args:
        weight: strength of the reversal at the end.
        width: hidden units of the domain classifier's two layers.
        label_smoothing: of the labels' part.
    """

    needs = ("embedding", "domain", "progress")

    def __init__(self, *, weight: float = 1.0, width: int = 128, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.weight, self.width, self.label_smoothing = weight, width, label_smoothing

    def build(self, dim: int) -> None:
        """Make the domain classifier.

        Args:
            dim: D of the embedding.
        """
        width = self.width
        self.judge = nn.Sequential(nn.Linear(dim, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def strength(self, progress: float) -> float:
        """The reversal's strength.

        Args:
            progress: share of the training that is done.

        Returns:
            From 0 to nearly `weight`.
        """
        return self.weight * (2 / (1 + math.exp(-10 * progress)) - 1)

    def forward(self, logits: Tensor, target: Tensor, *, embedding: Tensor, domain: Tensor, progress: float) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B] class indices, or [B, K] rows that sum to 1.
            embedding: [B, D].
            domain: [B] true for rows of the target domain.
            progress: share of the training that is done.

        Returns:
            [].
        """
        labels = labelled_cross_entropy(logits, target, domain, label_smoothing=self.label_smoothing)
        told: Tensor = self.judge(gradient_reversal(embedding, self.strength(progress)))[:, 0]
        return labels + nn.functional.binary_cross_entropy_with_logits(told, domain.to(told.dtype))
