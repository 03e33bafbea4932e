"""Where stripes of a feature are hidden, the same along frames and along bins."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from auricle.errors import RequestError


class Stripes:
    """Stripes of a feature set to zero; an entry says along which axis.

    Args:
        sample_rate: samples a second.
        name: of the augmentation, for errors.
        p: probability that a row is masked.
        p_end: probability at the end of training; none stays at `p`.
        stripes: stripes in a masked row.
        fractions: narrowest and widest, as shares of all places.
        widest: widest in places; 0 leaves it to the fractions.
    """

    domain = "feature"
    axis: ClassVar[int]
    places: ClassVar[str]  # what lies along it, for errors

    def __init__(
        self, sample_rate: int, name: str, *, p: float, p_end: float | None, stripes: int, fractions: tuple[float, float], widest: int
    ) -> None:
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.stripes = stripes
        if not 0 <= fractions[0] <= fractions[1] <= 1 or widest < 0 or stripes < 1:
            raise RequestError(
                f"augment {name}: {stripes} stripes of {fractions[0]:g} to {fractions[1]:g}, at most {widest} {self.places}; "
                f"wanted at least one stripe and 0 <= min_fraction <= max_fraction <= 1"
            )
        self.fractions = fractions
        self.widest = widest

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """What stays.

        Args:
            rng: source of chance.
            shape: [B, F, N] of the feature, [B, C, F, N] of a picture.

        Returns:
            `kept` [B, places] bool.
        """
        total = shape[self.axis]
        least, most = widths(total, fractions=self.fractions, widest=self.widest)
        return {"kept": kept(rng, (shape[0], total), stripes=self.stripes, most=most, least=least, p=self.p)}

    def apply(self, feature: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The feature behind its stripes.

        Args:
            feature: [B, F, N] frames, or a picture [B, C, F, N].
            values: what `draw` gave.

        Returns:
            [B, F, N] or [B, C, F, N], as it came.
        """
        stays = values["kept"].to(feature)
        shape = [len(stays), *[1] * (feature.ndim - 1)]
        shape[self.axis] = stays.shape[1]
        return feature * stays.view(shape)


def kept(rng: torch.Generator, shape: tuple[int, int], *, stripes: int, most: int, least: int, p: float) -> Tensor:
    """What stays visible: whole stripes, each width from the narrowest to the widest and each place where it fits equally likely.

    Args:
        rng: source of chance.
        shape: rows, and places along the axis that is masked.
        stripes: stripes in a masked row.
        most: places of the widest stripe.
        least: places of the narrowest.
        p: probability that a row is masked.

    Returns:
        [B, places] bool.
    """
    rows, total = shape
    width = least + (torch.rand(rows, stripes, generator=rng) * (most - least + 1)).floor()
    start = (torch.rand(rows, stripes, generator=rng) * (total - width + 1)).floor()
    width = width * (torch.rand(rows, 1, generator=rng) < p)
    at = torch.arange(total)[None, None]
    hidden = (at >= start[..., None]) & (at < (start + width)[..., None])
    return ~hidden.any(1)


def widths(total: int, *, fractions: tuple[float, float], widest: int) -> tuple[int, int]:
    """Places of the narrowest and of the widest stripe.

    Args:
        total: places along the axis.
        fractions: narrowest and widest, as shares of all places.
        widest: widest in places, or 0 where the fractions alone decide.

    Returns:
        Both, neither beyond the axis.
    """
    most = min(int(fractions[1] * total), widest or total)
    return min(int(fractions[0] * total), most), most
