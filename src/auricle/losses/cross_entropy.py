"""Cross entropy for one label a clip, hard or mixed."""

from __future__ import annotations

from torch import Tensor, nn


class CrossEntropy(nn.Module):
    """Mean of -Σ target · log softmax(logits).

    Args:
        label_smoothing: share of each target spread evenly over all classes (Szegedy et al. 2016, section 7).
    """

    def __init__(self, *, label_smoothing: float = 0.1) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B] class indices, or [B, K] rows that sum to 1.

        Returns:
            [] mean over rows.
        """
        return nn.functional.cross_entropy(logits, target, label_smoothing=self.label_smoothing)
