"""Focal loss: easy clips count less (Lin et al. 2017, equation 5), for one label a clip."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from auricle.errors import RequestError
from auricle.losses._classes import ClassWeighted, rows


class Focal(ClassWeighted):
    """Mean of -Σ weight · target · (1 - p)^gamma · log p.

    Args:
        gamma: how fast the weight of well classified clips falls; 0 is cross entropy.
        class_weights: the paper's alpha by class: "none", the "inverse" of its clips, or of their "effective" number.
        beta: of the effective number (Cui et al. 2019, equation 2).
    """

    def __init__(self, *, gamma: float = 2.0, class_weights: Literal["none", "inverse", "effective"] = "none", beta: float = 0.999) -> None:
        super().__init__(class_weights, beta)
        if not gamma >= 0:
            raise RequestError(f"loss.gamma is {gamma:g}; wanted at least 0")
        self.gamma = gamma

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B] class indices, or [B, K] rows that sum to 1.

        Returns:
            [] mean over rows.
        """
        log_p = logits.log_softmax(-1)
        share = rows(target, log_p)
        if self.weight is not None:
            share = share * self.weight.to(share)
        # 1 - p without cancellation; kept above 0, where a power below 1 has no finite slope.
        missing = (-log_p.expm1()).clamp(min=1e-12)
        return -(share * missing**self.gamma * log_p).sum(-1).mean()
