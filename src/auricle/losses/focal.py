"""Focal loss: easy clips count less (Lin et al. 2017, equation 5), for one label a clip."""

from __future__ import annotations

from torch import Tensor, nn


class Focal(nn.Module):
    """Mean of -Σ target · (1 - p)^gamma · log p.

    Args:
        gamma: how fast the weight of well classified clips falls; 0 is cross entropy.
    """

    def __init__(self, *, gamma: float = 2.0) -> None:
        super().__init__()
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
        rows = target if target.ndim == 2 else nn.functional.one_hot(target, logits.shape[-1]).to(log_p)
        # 1 - p without cancellation; kept above 0, where a power below 1 has no finite slope.
        missing = (-log_p.expm1()).clamp(min=1e-12)
        return -(rows * missing**self.gamma * log_p).sum(-1).mean()
