"""Stochastic depth: a residual path that whole rows skip while training.

Huang et al. 2016 (Deep networks with stochastic depth, equation 2), by row, what remains scaled so that the mean is kept.
"""

from __future__ import annotations

from torch import Tensor, nn


class DropPath(nn.Module):
    """Zero a row's whole path, or pass it on.

    Args:
        probability: of a row being dropped while training.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """The path, without the dropped rows.

        Args:
            x: [B, ...] path.

        Returns:
            [B, ...] path.
        """
        if not self.training or not self.probability:
            return x
        kept = 1 - self.probability
        return x * x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(kept) / kept
