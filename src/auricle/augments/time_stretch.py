"""Slower or faster at the same pitch, as one person speaks slower than another.

Signalsmith Stretch through python-stretch (the extra `stretch`); the same input gives the same samples each time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auricle.augments._rates import Rates
from auricle.augments._stretch import required, stretched


class TimeStretch(Rates):
    """Rate of each row.

    Args:
        sample_rate: samples a second.
        p: probability that a row is stretched.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_rate: slowest; 0.85 takes 18 % longer.
        max_rate: fastest.
    """

    def __init__(
        self, sample_rate: int, *, p: float = 0.3, p_end: float | None = None, min_rate: float = 0.85, max_rate: float = 1.15
    ) -> None:
        super().__init__(sample_rate, "time_stretch", p=p, p_end=p_end, min_rate=min_rate, max_rate=max_rate)
        required("time_stretch")

    def played(self, samples: NDArray[np.float32], rate: float) -> NDArray[np.float32]:
        """A sound at another rate.

        Args:
            samples: [T] full scale ±1.
            rate: 2 takes half as long.

        Returns:
            [T / rate] samples.
        """
        return stretched(samples, self.sample_rate, rate=rate)
