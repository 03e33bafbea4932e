"""Binary cross entropy for any number of labels a clip."""

from __future__ import annotations

from torch import Tensor, nn


class BinaryCrossEntropy(nn.Module):
    """Mean over rows and classes of the binary cross entropy of each class.

    Args:
        label_smoothing: targets become (1 - s)·y + s/2.
    """

    def __init__(self, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B, K] multi-hot or mixed rows in [0, 1], or [B] class indices.

        Returns:
            [] mean over rows and classes.
        """
        if target.ndim == 1:
            target = nn.functional.one_hot(target, logits.shape[-1]).to(logits)
        target = target * (1 - self.label_smoothing) + self.label_smoothing / 2
        return nn.functional.binary_cross_entropy_with_logits(logits, target)
