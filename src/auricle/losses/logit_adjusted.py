"""Logit-adjusted cross entropy: rare classes must win by more (Menon et al. 2021, equation 10)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LogitAdjusted(nn.Module):
    """Cross entropy of logits + tau · log π, with π the classes' shares of the training clips.

    The adjustment is made while training only: the logits themselves then answer for evenly frequent classes.

    Args:
        tau: strength; 0 is cross entropy, 1 is consistent with the balanced error.
        label_smoothing: share of each target spread evenly over all classes.
    """

    def __init__(self, *, tau: float = 1.0, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.tau, self.label_smoothing = tau, label_smoothing
        self.prior: Tensor | None = None

    def fit(self, counts: Tensor) -> None:
        """Settle the classes' shares.

        Args:
            counts: [K] training clips of each class; a class without clips counts as half of one.
        """
        share = counts.clamp(min=0.5)
        self.prior = torch.log(share / share.sum())

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B] class indices, or [B, K] rows that sum to 1.

        Returns:
            [] mean over rows.
        """
        adjusted = logits if self.prior is None else logits + self.tau * self.prior.to(logits)
        return nn.functional.cross_entropy(adjusted, target, label_smoothing=self.label_smoothing)
