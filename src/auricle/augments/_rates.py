"""Rows played at another rate: how it is drawn, what happens to their length, and what becomes of what no longer fits."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auricle.augments._draws import chosen, evenly
from auricle.augments._stage import lengths
from auricle.errors import RequestError


class Rates(ABC):
    """Rows changed, each at a rate of its own; an entry says how one is played.

    Args:
        sample_rate: samples a second.
        name: of the augmentation, for errors.
        p: probability that a row is changed.
        p_end: probability at the end of training; none stays at `p`.
        min_rate: slowest; 0.8 lasts 1.25 times as long.
        max_rate: fastest.
    """

    domain = "wave"
    host = True

    def __init__(self, sample_rate: int, name: str, *, p: float, p_end: float | None, min_rate: float, max_rate: float) -> None:
        if not 0.25 <= min_rate <= max_rate <= 4:
            raise RequestError(f"augment {name}: rates from {min_rate:g} to {max_rate:g}; wanted 0.25 <= min_rate <= max_rate <= 4")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.least, self.most = min_rate, max_rate

    @abstractmethod
    def played(self, samples: NDArray[np.float32], rate: float) -> NDArray[np.float32]:
        """A sound at another rate.

        Args:
            samples: [T] full scale ±1.
            rate: 2 takes half as long.

        Returns:
            [T / rate] samples.
        """

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Rates.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `rate` [B], 1 where the row stays.
        """
        rows = chosen(rng, shape[0], p=self.p)
        return {"rate": torch.where(rows, evenly(rng, shape[0], least=self.least, most=self.most), torch.ones(()))}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows at their rate; what no longer fits is cut, what is missing is silence.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        made = wave.clone()
        total = wave.shape[-1]
        for row, (rate, length) in enumerate(zip(values["rate"].tolist(), lengths(wave, values), strict=True)):
            if rate != 1 and length:
                samples = torch.from_numpy(self.played(wave[row, :length].detach().cpu().numpy(), rate)[:total])
                made[row] = 0
                made[row, : len(samples)] = samples.to(wave)
        return made

    def stretched(self, length: Tensor, values: dict[str, Tensor]) -> Tensor:
        """Valid samples after the change.

        Args:
            length: [B] valid samples before.
            values: what `draw` gave.

        Returns:
            [B] valid samples, to be cut at the row's end by the caller.
        """
        return (length / values["rate"].to(length.device)).long()
