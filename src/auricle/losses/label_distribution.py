"""Kullback-Leibler divergence from what several annotators said, for a distribution over labels a clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.losses._classes import rows


class LabelDistribution(nn.Module):
    """Mean of KL(target ‖ softmax(logits)): cross entropy less the annotators' own uncertainty, so that agreement with them is 0.

    Label-distribution learning (Geng 2016, section 3.2).

    Args:
        epsilon: added to each label's share before the rows are made to sum to 1 again, as votes that nobody cast.
    """

    def __init__(self, *, epsilon: float = 0.0) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B, K] rows that sum to 1, or [B] class indices.

        Returns:
            [] mean over rows.
        """
        share = rows(target, logits) + self.epsilon
        share = share / share.sum(-1, keepdim=True)
        divergence: Tensor = (torch.special.xlogy(share, share) - share * logits.log_softmax(-1)).sum(-1).mean()
        return divergence
