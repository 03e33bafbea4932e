"""What a thick wall or a covered microphone leaves: frequencies below an edge.

The digital Butterworth filter that the bilinear transform gives, applied as its frequency response: the same numbers as a recursive filter,
on any device. Magnitude at the edge is sqrt(1/2), -3.01 dB.
"""

from __future__ import annotations

from auricle.augments._edges import Edges
from auricle.types import Hertz


class LowPass(Edges):
    """Rows filtered.

    Args:
        sample_rate: samples a second.
        p: probability that a row is filtered.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        min_hz: lowest edge.
        max_hz: highest edge; 0 or less counts from half the sample rate.
        order: poles; each falls by 6 dB an octave.
    """

    above = False

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 0.3,
        p_end: float | None = None,
        min_hz: Hertz = 1000.0,
        max_hz: Hertz = 0.0,
        order: int = 2,
    ) -> None:
        super().__init__(sample_rate, "low_pass", p=p, p_end=p_end, min_hz=min_hz, max_hz=max_hz, order=order)
