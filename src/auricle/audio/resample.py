"""Another sample rate, by the SoX resampler at high quality: the same in training and on the target, whole or in chunks."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from auricle.errors import ShapeError

_QUALITY = "HQ"


def resample(samples: NDArray[np.float32], from_rate: int, to_rate: int) -> NDArray[np.float32]:
    """The same sound at another sample rate; nothing at or above the lower Nyquist frequency is left.

    Args:
        samples: [..., T] full scale ±1.
        from_rate: samples a second of the input.
        to_rate: samples a second of the output.

    Returns:
        [..., T'] full scale ±1, T' = T * to_rate / from_rate to the nearest sample; the input itself where the rates are equal.

    Raises:
        ShapeError: a rate is not positive, or samples has no time axis.
    """
    _check(from_rate, to_rate)
    if samples.ndim == 0:
        raise ShapeError("samples is a single number; resampling needs [..., T]")
    if from_rate == to_rate:
        return samples
    if samples.ndim == 1:
        return _whole(samples, from_rate, to_rate)
    rows = samples.reshape(-1, samples.shape[-1])
    done = np.stack([_whole(row, from_rate, to_rate) for row in rows])
    return done.reshape(*samples.shape[:-1], done.shape[-1])


class Resampler:
    """Resampling of what arrives in chunks, bit-equal to `resample` of the whole for every chunking.

    Args:
        from_rate: samples a second of the input.
        to_rate: samples a second of the output.

    Raises:
        ShapeError: a rate is not positive.
    """

    def __init__(self, from_rate: int, to_rate: int) -> None:
        _check(from_rate, to_rate)
        same = from_rate == to_rate
        self._stream = None if same else soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality=_QUALITY)

    def step(self, chunk: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]:
        """What can be said of the output so far.

        Args:
            chunk: [T] full scale ±1; may be empty.
            last: whether nothing follows, so that the filter's tail comes out too.

        Returns:
            [T'] full scale ±1; the concatenation over all chunks is the whole.
        """
        if self._stream is None:
            return chunk
        done: NDArray[np.float32] = self._stream.resample_chunk(np.ascontiguousarray(chunk, dtype=np.float32), last=last)
        return done


def _whole(samples: NDArray[np.float32], from_rate: int, to_rate: int) -> NDArray[np.float32]:
    done: NDArray[np.float32] = soxr.resample(np.ascontiguousarray(samples, dtype=np.float32), from_rate, to_rate, quality=_QUALITY)
    return done


def _check(from_rate: int, to_rate: int) -> None:
    if from_rate < 1 or to_rate < 1:
        raise ShapeError(f"the sample rates are {from_rate} and {to_rate} Hz; both must be at least 1")
