"""How loud a clip is: root mean square and peak, in decibels of full scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from auricle.types import Decibels


def rms_db(samples: NDArray[np.float32]) -> Decibels:
    """Root mean square level.

    Args:
        samples: [..., T] full scale ±1.

    Returns:
        Decibels of full scale (a full-scale square wave is 0, a full-scale sine -3.01); minus infinity for silence and for no samples.

    >>> round(rms_db(np.full(4, 0.1, dtype=np.float32)), 3)
    -20.0
    """
    flat = samples.reshape(-1)
    power = float(np.einsum("t,t->", flat, flat, dtype=np.float64)) / max(flat.size, 1)
    return 10 * float(np.log10(power)) if power > 0 else -np.inf


def peak_db(samples: NDArray[np.float32]) -> Decibels:
    """Level of the largest sample.

    Args:
        samples: [..., T] full scale ±1.

    Returns:
        Decibels of full scale; minus infinity for silence and for no samples.

    >>> peak_db(np.array([0.0, -1.0], dtype=np.float32))
    0.0
    """
    peak = float(np.abs(samples).max(initial=0.0))
    return 20 * float(np.log10(peak)) if peak > 0 else -np.inf
