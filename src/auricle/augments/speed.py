"""Play faster or slower, pitch and duration together, as a tape would.

Ko et al. 2015 (Audio augmentation for speech recognition, section 2), by the SoX resampler: nothing folds over.
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from auricle.augments._rates import Rates


class Speed(Rates):
    """Speed perturbation of each row.

    Args:
        sample_rate: samples a second.
        p: probability that a row is changed.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_rate: slowest; 0.8 lasts 1.25 times as long and sounds lower.
        max_rate: fastest.
    """

    def __init__(
        self, sample_rate: int, *, p: float = 1.0, p_end: float | None = None, min_rate: float = 0.85, max_rate: float = 1.15
    ) -> None:
        super().__init__(sample_rate, "speed", p=p, p_end=p_end, min_rate=min_rate, max_rate=max_rate)

    def played(self, samples: NDArray[np.float32], rate: float) -> NDArray[np.float32]:
        """A sound at another speed.

        Args:
            samples: [T] full scale ±1.
            rate: 2 takes half as long, and sounds an octave higher.

        Returns:
            [T / rate] samples.
        """
        made: NDArray[np.float32] = soxr.resample(samples, rate, 1.0, quality="HQ")
        return made[: int(len(samples) / rate)]
