"""One channel from several: their mean, the first, or the loudest."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auricle.errors import ShapeError

Channels = Literal["mean", "first", "loudest"]


def mono(samples: NDArray[np.float32], channels: Channels = "mean") -> NDArray[np.float32]:
    """One channel, as the policy says.

    Args:
        samples: [C, T] full scale ±1.
        channels: "mean" averages, "first" takes channel 0, "loudest" takes the channel with the most energy (the first of equals).

    Returns:
        [T] full scale ±1; a view of the input where nothing had to be computed.

    Raises:
        ShapeError: samples is not [C, T] with at least one channel, or the policy is unknown.

    >>> mono(np.array([[1.0, 0.0], [0.0, 0.0]], dtype=np.float32)).tolist()
    [0.5, 0.0]
    """
    if samples.ndim != 2 or samples.shape[0] == 0:
        raise ShapeError(f"samples has shape {list(samples.shape)}; one channel is made from [C, T] with C at least 1")
    if channels not in {"mean", "first", "loudest"}:
        raise ShapeError(f"channels is {channels!r}; there are mean, first, loudest")
    one: NDArray[np.float32]
    if channels == "mean" and len(samples) > 1:
        one = samples.mean(axis=0, dtype=np.float32)
    else:
        one = samples[int(np.argmax(energies(samples))) if channels == "loudest" else 0]
    return one


def energies(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Energy of each channel.

    Args:
        samples: [C, T] full scale ±1.

    Returns:
        [C] sum of squares, full scale squared.
    """
    found: NDArray[np.float64] = np.einsum("ct,ct->c", samples, samples, dtype=np.float64)
    return found
