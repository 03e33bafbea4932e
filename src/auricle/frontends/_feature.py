"""What the front ends share: frames of a length, normalisation by one rule, the refusal of waves too short."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from auricle.errors import ShapeError
from auricle.frontends._compress import faintest, loudest
from auricle.frontends._frame import Framing
from auricle.frontends._rows import by_row, valid

Normalise = Literal["statistics", "fixed", "clip_mean", "clip_peak", "clip_range", "none"]


class Feature(nn.Module, ABC):
    """A front end on frames; an entry says in `describe` what each frame becomes.

    Args:
        bins: rows of the feature.
        framing: where its frames lie.
        normalise: "statistics" takes each bin's mean and deviation on the training set, stored with the weights; "fixed" takes `centre`
            and `spread`; "clip_mean" takes each bin's mean over the clip away, "clip_peak" the clip's highest value; "clip_range" spreads
            each clip over [-1, 1]; "none" does nothing.
        centre: subtracted by "fixed".
        spread: divided by, by "fixed".
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, *, bins: int, framing: Framing, normalise: Normalise, centre: float = 0.0, spread: float = 1.0) -> None:
        super().__init__()
        self.bins = bins
        self.framing = framing
        self.win = framing.win
        self.hop = framing.hop
        self.normalise = normalise
        self.centre = centre
        self.spread = spread
        if normalise == "statistics":
            self.register_buffer("mean", torch.zeros(bins))
            self.register_buffer("deviation", torch.ones(bins))

    @property
    def streamable(self) -> bool:
        """Whether a frame depends on nothing outside itself."""
        return not self.obstacle

    @property
    def obstacle(self) -> str:
        """What keeps it from streaming, named by the setting; "" where nothing does."""
        if self.hop > self.win:
            return f"hop_ms leaves {self.hop - self.win} samples between frames"
        if self.framing.padding != "none":
            return f"padding = {self.framing.padding!r} centres frames, which needs samples from beyond the wave's ends"
        if self.normalise.startswith("clip"):
            return f"normalise = {self.normalise!r} needs the whole clip"
        return ""

    @abstractmethod
    def describe(self, wave: Tensor, length: Tensor) -> Tensor:
        """The feature before it is normalised.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] values.
        """

    def forward(self, wave: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Feature of each row.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] feature, and [B] valid frames.

        Raises:
            ShapeError: the wave is shorter than one frame.
        """
        self._refuse_short(wave)
        frames = self.frames(length)
        return self.normalised(self.describe(wave, length), frames), frames

    def frames(self, length: Tensor) -> Tensor:
        """Whole frames in so many samples.

        Args:
            length: [B] samples.

        Returns:
            [B] frames.
        """
        return self.framing.count(length)

    def normalised(self, value: Tensor, frames: Tensor) -> Tensor:
        """The feature by the rule of `normalise`.

        Args:
            value: [B, F, N] what `describe` gave.
            frames: [B] valid frames.

        Returns:
            [B, F, N] feature.
        """
        if self.normalise == "statistics":
            return (value - self.mean[:, None]) / self.deviation[:, None]
        if self.normalise == "fixed":
            return (value - self.centre) / self.spread
        if self.normalise == "clip_mean":
            return value - _mean(value, frames)
        if self.normalise == "clip_peak":
            return value - loudest(value, frames)
        if self.normalise == "clip_range":
            high, low = loudest(value, frames), faintest(value, frames)
            return 2 * (value - low) / (high - low).clamp(min=1e-12) - 1
        return value

    @torch.no_grad()
    def fit(self, waves: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Set each bin's mean and deviation from training clips; nothing to do unless `normalise` is "statistics".

        Args:
            waves: pairs of [B, T] samples and [B] valid samples.

        Raises:
            ShapeError: no clip is as long as one frame.
        """
        if self.normalise != "statistics":
            return
        total = torch.zeros(2, self.bins, dtype=torch.float64)
        count = 0
        for wave, length in waves:
            self._refuse_short(wave)
            value = self.describe(wave, length).transpose(1, 2).cpu()  # [B, N, F]
            counted = torch.arange(value.shape[1])[None] < self.frames(length.cpu())[:, None]
            rows = value[counted].double()
            total += torch.stack([rows.sum(0), rows.square().sum(0)])
            count += rows.shape[0]
        if count == 0:
            raise ShapeError("no training clip is as long as one frame; wanted at least one to normalise by")
        mean = total[0] / count
        self.mean.copy_(mean)
        self.deviation.copy_((total[1] / count - mean.square()).clamp(min=1e-4).sqrt())

    def _refuse_short(self, wave: Tensor) -> None:
        least = self.win if self.framing.padding == "none" else 1
        if not torch.compiler.is_exporting() and wave.shape[-1] < least:
            raise ShapeError(f"the wave has {wave.shape[-1]} samples; one frame needs {least}")


def _mean(value: Tensor, frames: Tensor) -> Tensor:
    """[B, F, 1] mean of each bin over the row's valid frames."""
    if torch.compiler.is_exporting():
        total = torch.where(valid(value, frames), value, value.new_zeros(())).sum(2, keepdim=True)
        return total / frames.to(value)[:, None, None].clamp(min=1)
    return by_row(value, frames, lambda row: row.mean(1, keepdim=True))
