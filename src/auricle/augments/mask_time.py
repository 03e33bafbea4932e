"""Hide stripes of frames behind the feature's mean.

SpecAugment (Park et al. 2019, section 2). The fill is 0, which is each bin's mean where the front end normalises.
"""

from __future__ import annotations

from auricle.augments._stripes import Stripes


class MaskTime(Stripes):
    """Stripes of frames set to zero.

    Args:
        sample_rate: samples a second.
        p: probability that a row is masked.
        p_end: probability at the end of training, reached evenly from the first step on; none stays at `p`.
        stripes: stripes in a masked row.
        min_fraction: narrowest stripe, as a share of all frames; equal to `max_fraction`, every stripe is that wide.
        max_fraction: widest.
        max_frames: widest in frames; 0 leaves it to `max_fraction`.
    """

    axis, places = -1, "frames"

    def __init__(
        self,
        sample_rate: int,
        *,
        p: float = 1.0,
        p_end: float | None = None,
        stripes: int = 2,
        min_fraction: float = 0.0,
        max_fraction: float = 0.15,
        max_frames: int = 0,
    ) -> None:
        fractions = (min_fraction, max_fraction)
        super().__init__(sample_rate, "mask_time", p=p, p_end=p_end, stripes=stripes, fractions=fractions, widest=max_frames)
