"""From power to level: the logarithms in use, and the range that is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from auricle.errors import RequestError
from auricle.frontends._device import on_host
from auricle.frontends._rows import valid
from auricle.types import Decibels

Scale = Literal["ln", "log10", "db", "log1p", "none"]


@dataclass(frozen=True, slots=True)
class Compression:
    """level = log(max(power, floor) + offset), never compared with another row of the batch.

    Args:
        scale: "ln", "log10", "db" (relative to a power of 1, full scale squared), "log1p" or "none".
        offset: added to the power.
        floor: the least power.
        range_db: levels so far below the clip's own loudest are raised to it (librosa's and torchaudio's top_db); 0 raises none. It needs
            the whole clip, so it doesn't stream.
        magnitude: the powers are magnitudes already.
    """

    scale: Scale = "ln"
    offset: float = 0.0
    floor: float = 0.0
    range_db: Decibels = 0.0
    magnitude: bool = False

    def __post_init__(self) -> None:
        """Refuses what can't be compressed.

        Raises:
            RequestError: a logarithm of zero would be taken, or a range is asked of a scale without decibels.
        """
        if self.scale in {"ln", "log10", "db"} and self.offset + self.floor <= 0:
            raise RequestError(f"the {self.scale} of silence is infinite; wanted an offset or a floor above 0")
        if self.offset < 0 or self.floor < 0 or self.range_db < 0:
            raise RequestError("offset, floor and range_db can't be below 0")
        if self.range_db and self.scale in {"log1p", "none"}:
            raise RequestError(f"range_db is {self.range_db}, which {self.scale} doesn't have; wanted ln, log10 or db")

    @property
    def per_decibel(self) -> float:
        """How much a level rises with a decibel."""
        octave = {"ln": math.log(10), "log10": 1.0, "db": 20.0 if self.magnitude else 10.0}.get(self.scale, 1.0)
        return octave / (20.0 if self.magnitude else 10.0)

    def level(self, power: Tensor) -> Tensor:
        """Levels of powers, before `limited`.

        Args:
            power: [B, F, N] powers, or magnitudes; on the host the levels take their place.

        Returns:
            [B, F, N] levels.
        """
        if self.scale in {"ln", "log10", "db"} and on_host(power):
            return self._on_host(power)
        return self._level(power)

    def limited(self, level: Tensor, frames: Tensor) -> Tensor:
        """Levels within the range below the clip's loudest.

        Args:
            level: [B, F, N] levels.
            frames: [B] valid frames.

        Returns:
            [B, F, N] levels.
        """
        return torch.maximum(level, loudest(level, frames) - self.range_db * self.per_decibel)

    @property
    def _factor(self) -> float:
        """From the natural logarithm: one logarithm for all of them, whose rounding is the least and which every runtime has."""
        return {"log10": 1 / math.log(10), "db": (20 if self.magnitude else 10) / math.log(10)}.get(self.scale, 1.0)

    def _level(self, power: Tensor) -> Tensor:
        if self.floor:
            power = power.clamp(min=self.floor)
        if self.offset:
            power = power + self.offset
        if self.scale == "none":
            return power
        if self.scale == "log1p":
            return torch.log1p(power)
        level = torch.log(power)
        return level if self._factor == 1.0 else level * self._factor

    def _on_host(self, power: Tensor) -> Tensor:
        """The same in place, by numpy's logarithm, which takes a third of the time."""
        if self.floor:
            power.clamp_(min=self.floor)
        if self.offset:
            power += self.offset
        values = power.numpy()
        with np.errstate(invalid="ignore"):  # what isn't a number stays none
            np.log(values, out=values)
        if self._factor != 1.0:
            power *= self._factor
        return power


def loudest(level: Tensor, frames: Tensor) -> Tensor:
    """Each row's highest value within its valid frames.

    Args:
        level: [B, F, N] values.
        frames: [B] valid frames.

    Returns:
        [B, 1, 1] values.
    """
    return torch.where(valid(level, frames), level, level.new_full((), -torch.inf)).amax((1, 2), keepdim=True)


def faintest(level: Tensor, frames: Tensor) -> Tensor:
    """Each row's lowest value within its valid frames.

    Args:
        level: [B, F, N] values.
        frames: [B] valid frames.

    Returns:
        [B, 1, 1] values.
    """
    return torch.where(valid(level, frames), level, level.new_full((), torch.inf)).amin((1, 2), keepdim=True)
