"""A rectangle of the feature or picture erased.

Random erasing (Zhong et al. 2020, algorithm 1): its share of the area and its aspect are drawn, then its place; sides that don't fit
are cut to the feature's own instead of drawn again.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from auricle.augments._draws import by_ratio, chosen, evenly
from auricle.errors import RequestError


class RandomErasing:
    """Rows with a rectangle erased.

    Args:
        sample_rate: samples a second.
        p: probability that a row is erased in.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_area: least share of the feature.
        max_area: most.
        max_aspect: longest rectangle, its height over its width, both as shares of the feature's; the widest is one over this.
        fill: "mean" is 0, each bin's mean where the front end normalises; "noise" draws each point from a normal distribution.
    """

    domain = "feature"

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.5,
        p_end: float | None = None,
        min_area: float = 0.02,
        max_area: float = 0.2,
        max_aspect: float = 3.3,
        fill: Literal["mean", "noise"] = "mean",
    ) -> None:
        if not 0 < min_area <= max_area <= 1 or max_aspect < 1:
            raise RequestError(
                f"augment random_erasing: areas from {min_area:g} to {max_area:g}, aspect {max_aspect:g}; "
                f"wanted 0 < min_area <= max_area <= 1 and an aspect of at least 1"
            )
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.areas = (min_area, max_area)
        self.max_aspect = max_aspect
        self.fill = fill

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Rectangles.

        Args:
            rng: source of chance.
            shape: [B, F, N] of the feature, or [B, C, H, W] of a picture.

        Returns:
            `erased` [B, F, N] bool, [B, 1, H, W] for a picture, and `fill`, of the feature's shape where it is noise.
        """
        rows, high, wide = shape[0], shape[-2], shape[-1]
        area = evenly(rng, rows, least=self.areas[0], most=self.areas[1])
        aspect = by_ratio(rng, rows, least=1 / self.max_aspect, most=self.max_aspect).sqrt()
        inside = chosen(rng, rows, p=self.p)[:, None]
        down = _span(rng, area.sqrt() * aspect, high) & inside
        across = _span(rng, area.sqrt() / aspect, wide)
        erased = down[:, :, None] & across[:, None, :]
        fill = torch.randn(shape, generator=rng) if self.fill == "noise" else torch.zeros(rows, *[1] * (len(shape) - 1))
        return {"erased": erased if len(shape) == 3 else erased[:, None], "fill": fill}

    def apply(self, feature: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The feature without its rectangles.

        Args:
            feature: [B, F, N] frames, or [B, C, H, W] picture.
            values: what `draw` gave.

        Returns:
            [B, F, N] or [B, C, H, W], as it came.
        """
        return torch.where(values["erased"].to(feature.device), values["fill"].to(feature), feature)


def _span(rng: torch.Generator, share: Tensor, total: int) -> Tensor:
    """[B, total] a stretch of so large a share of the axis, anywhere where it fits."""
    size = (share * total).round().clamp(1, total)
    start = (torch.rand(len(share), generator=rng) * (total - size + 1)).floor()
    at = torch.arange(total)[None]
    return (at >= start[:, None]) & (at < (start + size)[:, None])
