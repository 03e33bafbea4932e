"""Weighted sums of two clips and of their targets.

mixup (Zhang et al. 2018, equation 1) on waves, with a weight for each pair. The weight is drawn from Beta(alpha, alpha) and the larger
share stays with the row itself, so that a pair is not drawn twice. Accuracy on mixed rows means nothing and is not reported.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.types import Batch


class Mixup:
    """Rows mixed with other rows of the batch.

    Args:
        sample_rate: samples a second.
        p: probability that a row is mixed.
        alpha: shape of the Beta distribution; small values keep one clip dominant.
    """

    domain = "batch"

    def __init__(self, sample_rate: int, *, p: float = 0.5, alpha: float = 0.4) -> None:
        self.sample_rate = sample_rate
        self.p = p
        self.alpha = alpha

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Partners and weights.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `partner` [B] int64 and `weight` [B] of the row itself, 1 where it stays alone.
        """
        rows = shape[0]
        partner = torch.randperm(rows, generator=rng)
        # Beta(a, a) as a ratio of gamma variables; torch._standard_gamma is the only one that takes a generator.
        gamma = torch._standard_gamma(torch.full((2, rows), self.alpha), generator=rng).clamp(min=1e-9)
        weight = gamma[0] / gamma.sum(0)
        weight = torch.maximum(weight, 1 - weight)
        chosen = torch.rand(rows, generator=rng) < self.p
        return {"partner": partner, "weight": torch.where(chosen, weight, torch.ones(()))}

    def apply(self, batch: Batch, values: dict[str, Tensor]) -> Batch:
        """Mixed waves and mixed targets; a mixed row is as long as the longer of the two.

        Args:
            batch: [B, T] samples, [B] valid samples, [B, K] target rows.
            values: what `draw` gave.

        Returns:
            A batch of the same shapes.
        """
        wave, target = batch.wave, batch.target
        partner = values["partner"].to(wave.device)
        weight = values["weight"].to(wave)[:, None]
        length = torch.where(weight[:, 0] < 1, torch.maximum(batch.length, batch.length[partner]), batch.length)
        return Batch(weight * wave + (1 - weight) * wave[partner], length, weight * target + (1 - weight) * target[partner])
