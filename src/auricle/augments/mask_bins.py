"""Hide stripes of bins behind the feature's mean.

SpecAugment (Park et al. 2019, section 2). The fill is 0, which is each bin's mean where the front end normalises.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.augments._stripes import kept, widths
from auricle.errors import RequestError


class MaskBins:
    """Stripes of bins set to zero.

    Args:
        sample_rate: samples a second.
        p: probability that a row is masked.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        stripes: stripes in a masked row.
        min_fraction: narrowest stripe, as a share of all bins; equal to `max_fraction`, every stripe is that wide.
        max_fraction: widest.
        max_bins: widest in bins; 0 leaves it to `max_fraction`.
    """

    domain = "feature"

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 1.0,
        p_end: float | None = None,
        stripes: int = 2,
        min_fraction: float = 0.0,
        max_fraction: float = 0.2,
        max_bins: int = 0,
    ) -> None:
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.stripes = stripes
        if not 0 <= min_fraction <= max_fraction <= 1 or max_bins < 0 or stripes < 1:
            raise RequestError(
                f"augment mask_bins: {stripes} stripes of {min_fraction:g} to {max_fraction:g}, at most {max_bins} bins; "
                f"wanted at least one stripe and 0 <= min_fraction <= max_fraction <= 1"
            )
        self.fractions = (min_fraction, max_fraction)
        self.widest = max_bins

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Which bins stay.

        Args:
            rng: source of chance.
            shape: [B, F, N] of the feature, [B, C, F, N] of a picture.

        Returns:
            `kept` [B, F] bool.
        """
        least, most = widths(shape[-2], fractions=self.fractions, widest=self.widest)
        return {"kept": kept(rng, (shape[0], shape[-2]), stripes=self.stripes, most=most, least=least, p=self.p)}

    def apply(self, feature: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The feature behind its stripes.

        Args:
            feature: [B, F, N] frames, or a picture [B, C, F, N].
            values: what `draw` gave.

        Returns:
            [B, F, N] or [B, C, H, W], as it came.
        """
        stays = values["kept"].to(feature)
        return feature * stays.view(len(stays), *[1] * (feature.ndim - 3), -1, 1)
