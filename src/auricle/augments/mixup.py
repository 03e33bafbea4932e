"""Weighted sums of two clips and of their targets.

mixup (Zhang et al. 2018, equation 1) on waves or features, with a weight for each pair. The weight is drawn from Beta(alpha, alpha) and
the larger share stays with the row itself, so that a pair is not drawn twice. Accuracy on mixed rows means nothing and is not reported.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from auricle.augments._draws import chosen
from auricle.augments._pairs import mixtures
from auricle.errors import RequestError
from auricle.types import Batch


class Mixup:
    """Rows mixed with other rows of the batch.

    Args:
        sample_rate: samples a second.
        p: probability that a row is mixed.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        alpha: shape of the Beta distribution; small values keep one clip dominant.
        on: "wave", or "feature": what the front end makes of it. Sums of logarithms are no sums of sounds: it is another method.
    """

    domain = "batch"

    def __init__(
        self, sample_rate: int, *, p: float = 0.5, p_end: float | None = None, alpha: float = 0.4, on: Literal["wave", "feature"] = "wave"
    ) -> None:
        if not alpha > 0:
            raise RequestError(f"augment mixup: alpha is {alpha:g}; wanted more than 0")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.alpha = alpha
        self.on = on

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Partners and weights.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows, or of their features.

        Returns:
            `partner` [B] int64 and `weight` [B] of the row itself, 1 where it stays alone.
        """
        partner, weight = mixtures(rng, shape[0], alpha=self.alpha)
        mixed = chosen(rng, shape[0], p=self.p)
        return {"partner": partner, "weight": torch.where(mixed, weight, torch.ones(()))}

    def apply(self, batch: Batch, values: dict[str, Tensor]) -> Batch:
        """Mixed rows and mixed targets; a mixed row is as long as the longer of the two.

        Args:
            batch: [B, T] samples, [B] valid samples, [B, K] target rows; or the same of features.
            values: what `draw` gave.

        Returns:
            A batch of the same shapes.
        """
        wave, target = batch.wave, batch.target
        partner = values["partner"].to(wave.device)
        weight = values["weight"].to(wave)
        length = torch.where(weight < 1, torch.maximum(batch.length, batch.length[partner]), batch.length)
        own = weight.view(-1, *[1] * (wave.ndim - 1))
        mixed = own * wave + (1 - own) * wave[partner]
        return Batch(mixed, length, weight[:, None] * target + (1 - weight[:, None]) * target[partner])
