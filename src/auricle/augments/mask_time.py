"""Hide stripes of frames behind the feature's mean.

SpecAugment (Park et al. 2019, section 2). The fill is 0, which is each bin's mean where the front end normalises.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.augments._stripes import kept


class MaskTime:
    """Stripes of frames set to zero.

    Args:
        sample_rate: samples a second.
        p: probability that a row is masked.
        stripes: stripes in a masked row.
        max_fraction: widest stripe, as a share of all frames.
    """

    domain = "feature"

    def __init__(self, sample_rate: int, *, p: float = 1.0, stripes: int = 2, max_fraction: float = 0.15) -> None:
        self.sample_rate = sample_rate
        self.p = p
        self.stripes = stripes
        self.max_fraction = max_fraction

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Which frames stay.

        Args:
            rng: source of chance.
            shape: [B, F, N] of the feature.

        Returns:
            `kept` [B, N] bool.
        """
        size = (shape[0], shape[-1])
        return {"kept": kept(rng, size, stripes=self.stripes, max_fraction=self.max_fraction, p=self.p)}

    def apply(self, feature: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The feature behind its stripes.

        Args:
            feature: [B, F, N] frames.
            values: what `draw` gave.

        Returns:
            [B, F, N] frames.
        """
        return feature * values["kept"].to(feature)[:, None]
