"""Cross entropy for one label a clip, hard or mixed."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auricle.losses._classes import ClassWeighted, rows


class CrossEntropy(ClassWeighted):
    """Mean of -Σ target · log softmax(logits), weighted by class where asked.

    Args:
        label_smoothing: share of each target spread evenly over all classes (Szegedy et al. 2016, section 7).
        class_weights: what rare classes count more by: "none", the "inverse" of their clips, or of their "effective" number.
        beta: of the effective number (Cui et al. 2019, equation 2).
    """

    def __init__(
        self, *, label_smoothing: float = 0.1, class_weights: Literal["none", "inverse", "effective"] = "none", beta: float = 0.999
    ) -> None:
        super().__init__(class_weights, beta)
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B] class indices, or [B, K] rows that sum to 1.

        Returns:
            [] mean over rows, each weighted by its classes.
        """
        if self.weight is None:
            return nn.functional.cross_entropy(logits, target, label_smoothing=self.label_smoothing)
        share = rows(target, logits)
        each = nn.functional.cross_entropy(logits, share, label_smoothing=self.label_smoothing, reduction="none")
        weight = share @ self.weight.to(logits)
        return torch.dot(each, weight) / weight.sum()
