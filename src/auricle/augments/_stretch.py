"""Time and pitch apart from each other, by Signalsmith Stretch."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from auricle.errors import MissingExtraError

_SEED = 1  # the library's own chance, which decides phases where it stretches far


def required(augment: str) -> None:
    """Nothing where python-stretch is installed.

    Args:
        augment: who needs it, for the error.

    Raises:
        MissingExtraError: it isn't.
    """
    if find_spec("python_stretch") is None:
        raise MissingExtraError(f"augment {augment} uses python-stretch, which", "stretch")


def stretched(samples: NDArray[np.float32], sample_rate: int, *, rate: float = 1.0, semitones: float = 0.0) -> NDArray[np.float32]:
    """The sound at another rate or pitch, its beginning at the beginning.

    Args:
        samples: [T] full scale ±1.
        sample_rate: samples a second.
        rate: of time; 2 takes half as long.
        semitones: up or down.

    Returns:
        [T / rate] samples.
    """
    from python_stretch.Signalsmith import Stretch

    engine = Stretch(_SEED)
    # The cheaper preset takes half the time; what it does worse, long tones in slow music, no classifier asks for.
    engine.preset(1, float(sample_rate), True)
    engine.setTimeFactor(rate)
    engine.setTransposeSemitones(semitones)
    made: NDArray[np.float32] = np.asarray(engine.process(np.ascontiguousarray(samples[None], dtype=np.float32)), np.float32)
    return made.reshape(-1)
