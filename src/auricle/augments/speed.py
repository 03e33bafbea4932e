"""Play faster or slower, pitch and duration together, as a tape would.

Ko et al. 2015 (Audio augmentation for speech recognition, section 2), by the SoX resampler: nothing folds over.
"""

from __future__ import annotations

import soxr
import torch
from torch import Tensor

from auricle.augments._draws import chosen, evenly
from auricle.augments._stage import lengths
from auricle.errors import RequestError


class Speed:
    """Speed perturbation of each row.

    Args:
        sample_rate: samples a second.
        p: probability that a row is changed.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_rate: slowest; 0.8 lasts 1.25 times as long and sounds lower.
        max_rate: fastest.
    """

    domain = "wave"
    host = True

    def __init__(
        self, sample_rate: int, *, p: float = 1.0, p_end: float | None = None, min_rate: float = 0.85, max_rate: float = 1.15
    ) -> None:
        if not 0.25 <= min_rate <= max_rate <= 4:
            raise RequestError(f"augment speed: rates from {min_rate:g} to {max_rate:g}; wanted 0.25 <= min_rate <= max_rate <= 4")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.least = min_rate
        self.most = max_rate

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
        """The rows at their new speed; what no longer fits is cut, what is missing is silence.

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
                own = wave[row, :length].detach().cpu().numpy()
                samples = torch.from_numpy(soxr.resample(own, rate, 1.0, quality="HQ")[: min(total, int(length / rate))])
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
