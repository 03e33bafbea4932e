"""Higher or lower at the same speed, as another throat says the same.

Signalsmith Stretch through python-stretch (the extra `stretch`); the same input gives the same samples each time. Formants move with the
pitch, as they do from a large body to a small one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from auricle.augments._draws import chosen, evenly
from auricle.augments._stage import lengths
from auricle.augments._stretch import required, stretched
from auricle.errors import RequestError


class PitchShift:
    """Pitch of each row.

    Args:
        sample_rate: samples a second.
        p: probability that a row is shifted.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_semitones: lowest shift; negative goes down.
        max_semitones: highest.
    """

    domain = "wave"
    host = True

    def __init__(
        self, sample_rate: int, *, p: float = 0.3, p_end: float | None = None, min_semitones: float = -2.0, max_semitones: float = 2.0
    ) -> None:
        if not -24 <= min_semitones <= max_semitones <= 24:
            raise RequestError(f"augment pitch_shift: {min_semitones:g} to {max_semitones:g} semitones; wanted rising, from -24 to 24")
        required("pitch_shift")
        self.sample_rate = sample_rate
        self.p, self.p_end = p, p_end
        self.least, self.most = min_semitones, max_semitones

    def draw(self, rng: torch.Generator, shape: torch.Size) -> dict[str, Tensor]:
        """Semitones.

        Args:
            rng: source of chance.
            shape: [B, T] of the rows.

        Returns:
            `semitones` [B], 0 where the row stays.
        """
        rows = chosen(rng, shape[0], p=self.p)
        return {"semitones": rows * evenly(rng, shape[0], least=self.least, most=self.most)}

    def apply(self, wave: Tensor, values: dict[str, Tensor]) -> Tensor:
        """The rows at their pitch.

        Args:
            wave: [B, T] samples.
            values: what `draw` gave.

        Returns:
            [B, T] samples.
        """
        made = wave.clone()
        for row, (semitones, length) in enumerate(zip(values["semitones"].tolist(), lengths(wave, values), strict=True)):
            if semitones and length:
                own = wave[row, :length].detach().cpu().numpy()
                samples = torch.from_numpy(stretched(own, self.sample_rate, semitones=semitones))
                made[row, : len(samples)] = samples.to(wave)
        return made
