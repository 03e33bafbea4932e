"""A part of one clip put into another, and their targets shared by what can be seen of each.

CutMix (Yun et al. 2019, section 3.1), with a part for each pair: a stretch of time on waves, a box of bins and frames on features, at the
place where it was. Its share of the whole is drawn from Beta(alpha, alpha), folded so that the row itself keeps at least half. Only what
both clips have is exchanged, so that no padding comes in, and targets are shared by the exact part that was: a box of 3 bins of 64 over
all frames is 3 of 64. Accuracy on mixed rows means nothing and is not reported.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from auricle.augments._draws import chosen
from auricle.augments._pairs import mixtures
from auricle.errors import RequestError
from auricle.types import Batch


class CutMix:
    """Rows with a part of other rows of the batch.

    Args:
        sample_rate: samples a second.
        p: probability that a row gets a part.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        alpha: shape of the Beta distribution; 1 makes every share equally likely.
        on: "wave", or "feature": what the front end makes of it.
    """

    domain = "batch"

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.5,
        p_end: float | None = None,
        alpha: float = 1.0,
        on: Literal["wave", "feature"] = "wave",
    ) -> None:
        if not alpha > 0:
            raise RequestError(f"augment cutmix: alpha is {alpha:g}; wanted more than 0")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.alpha = alpha
        self.on = on

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Partners, and where their parts lie.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows, or of their features.

        Returns:
            `partner` [B] int64, `share` [B] of the partner, 0 where the row stays, and `place` [B, 2], shares of the room left along time
            and along bins.
        """
        rows = shape[0]
        partner, weight = mixtures(rng, rows, alpha=self.alpha)
        place = torch.rand(rows, 2, generator=rng)
        return {"partner": partner, "share": (1 - weight) * chosen(rng, rows, p=self.p), "place": place}

    def apply(self, batch: Batch, values: dict[str, Tensor]) -> Batch:
        """Rows with their parts, and mixed targets; a row stays as long as it was.

        Args:
            batch: [B, T] samples, [B] valid samples, [B, K] target rows; or the same of features.
            values: what `draw` gave.

        Returns:
            A batch of the same shapes.
        """
        wave, length = batch.wave, batch.length
        partner, share, place = (values[k].to(wave.device) for k in ("partner", "share", "place"))
        both = torch.minimum(length, length[partner]).clamp(max=wave.shape[-1])
        box = wave.ndim > 2
        across, taken = _span(both, share.sqrt() if box else share, place[:, 0], total=wave.shape[-1])
        of_row = taken / length.clamp(min=1)
        inside = across[:, None] if box else across
        if box:
            bins = torch.full_like(both, wave.shape[-2])
            down, rows = _span(bins, share.sqrt(), place[:, 1], total=wave.shape[-2])
            inside = inside & down[:, :, None]
            inside = inside[:, None] if wave.ndim == 4 else inside
            of_row = of_row * rows / wave.shape[-2]
        part = of_row.to(batch.target)[:, None]
        target = (1 - part) * batch.target + part * batch.target[partner]
        return Batch(torch.where(inside, wave[partner], wave), length, target)


def _span(whole: Tensor, share: Tensor, place: Tensor, *, total: int) -> tuple[Tensor, Tensor]:
    """[B, total] a stretch of so large a share of each whole, and [B] how many points it has."""
    size = (share * whole).round()
    start = (place * (whole - size + 1)).floor().clamp(min=0)
    at = torch.arange(total, device=whole.device)[None]
    return (at >= start[:, None]) & (at < (start + size)[:, None]), size
