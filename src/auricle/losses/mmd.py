"""Maximum mean discrepancy: source and target embeddings drawn together (Gretton et al. 2012; Long et al. 2015).

The kernel is a sum of Gaussians exp(-‖x - y‖² / b) with b = base · factor^(u - kernels // 2), u = 0 … kernels - 1, and base the mean
squared distance between different rows of both domains, which is taken as a constant by the gradient.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.losses._domains import apart, labelled_cross_entropy


class Mmd(nn.Module):
    """(1 - weight) · cross entropy of the labelled rows + weight · MMD² between the domains' embeddings.

    Args:
        weight: share of the discrepancy.
        kernels: Gaussians in the sum.
        factor: between their bandwidths.
        unbiased: the U-statistic, which leaves each row's kernel with itself out and may be below 0; else the V-statistic.
        label_smoothing: of the labels' part.
    """

    needs = ("embedding", "domain")

    def __init__(
        self, *, weight: float = 0.3, kernels: int = 5, factor: float = 2.0, unbiased: bool = True, label_smoothing: float = 0.0
    ) -> None:
        super().__init__()
        self.weight, self.kernels, self.factor, self.unbiased = weight, kernels, factor, unbiased
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, target: Tensor, *, embedding: Tensor, domain: Tensor) -> Tensor:
        """The loss.

        Args:
            logits: [B, K].
            target: [B] class indices, or [B, K] rows that sum to 1.
            embedding: [B, D].
            domain: [B] true for rows of the target domain.

        Returns:
            [].
        """
        labels = labelled_cross_entropy(logits, target, domain, label_smoothing=self.label_smoothing)
        return (1 - self.weight) * labels + self.weight * self.discrepancy(*apart(embedding, domain))

    def discrepancy(self, source: Tensor, target: Tensor) -> Tensor:
        """MMD² between two samples.

        Args:
            source: [S, D].
            target: [R, D].

        Returns:
            []; 0 where either has fewer rows than the statistic needs.
        """
        count, other = len(source), len(target)
        if min(count, other) < (2 if self.unbiased else 1):
            return source.sum() * 0 + target.sum() * 0
        kernel = self._kernel(torch.cat([source, target]))
        within, across, between = kernel[:count, :count], kernel[count:, count:], kernel[:count, count:]
        if self.unbiased:
            first = (within.sum() - within.diagonal().sum()) / (count * (count - 1))
            second = (across.sum() - across.diagonal().sum()) / (other * (other - 1))
        else:
            first, second = within.mean(), across.mean()
        return first + second - 2 * between.mean()

    def _kernel(self, joint: Tensor) -> Tensor:
        # Not torch.cdist: squared distances need no root, whose slope at 0 is infinite.
        square = (joint * joint).sum(-1)
        distance = (square[:, None] + square[None, :] - 2 * joint @ joint.T).clamp(min=0)
        rows = len(joint)
        base = (distance.detach().sum() / max(1, rows * (rows - 1))).clamp(min=1e-12)
        widths = [base * self.factor ** (each - self.kernels // 2) for each in range(self.kernels)]
        return torch.stack([torch.exp(-distance / width) for width in widths]).sum(0)
