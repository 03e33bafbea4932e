"""Binary cross entropy for any number of labels a clip."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from auricle.losses._classes import ClassWeighted, rows


class BinaryCrossEntropy(ClassWeighted):
    """Mean over rows and classes of the binary cross entropy of each class.

    Args:
        label_smoothing: targets become (1 - s)·y + s/2.
        class_weights: what rare classes count more by: "none", the "inverse" of their clips, or of their "effective" number.
        beta: of the effective number (Cui et al. 2019, equation 2).
    """

    def __init__(
        self, *, label_smoothing: float = 0.0, class_weights: Literal["none", "inverse", "effective"] = "none", beta: float = 0.999
    ) -> None:
        super().__init__(class_weights, beta)
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B, K] multi-hot or mixed rows in [0, 1], or [B] class indices.

        Returns:
            [] mean over rows and classes.
        """
        smooth = rows(target, logits) * (1 - self.label_smoothing) + self.label_smoothing / 2
        weight = None if self.weight is None else self.weight.to(logits)
        return nn.functional.binary_cross_entropy_with_logits(logits, smooth, weight=weight)
