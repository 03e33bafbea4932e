"""The one network that every peer trains: auricle's default, from log-mel feature to logits, as any torch module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.models.cnn import Cnn

BINS = 64


class Network(nn.Module):
    """Convolutions, a mean over time, a linear layer.

    Args:
        classes: of the task.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.model = Cnn(BINS)
        self.linear = nn.Linear(self.model.dim, classes)

    def forward(self, feature: Tensor) -> Tensor:
        """Logits [B, K] of a feature [B, F, N]."""
        hidden, _ = self.model(feature, torch.full((len(feature),), feature.shape[-1]))
        logits: Tensor = self.linear(hidden.mean(-1))
        return logits
