"""Steady noise taken out of a wave, frame by frame, so that a stream and a whole clip give the same samples.

Frames of 32 ms every 8 ms, tapered by the root of Hann's window before and after: with every gain 1 the wave comes back exactly. The
noise's power N is followed per bin by the probability that speech is present (Gerkmann and Hendriks 2012, Unbiased MMSE-based noise power
estimation, eq. 18, 21-23), from the first whole frame on: with P the power of the frame and ξ₁ = 15 dB,

    p = 1 / (1 + (1 + ξ₁) exp(-P/N · ξ₁/(1 + ξ₁))),      N ← 0.8 N + 0.2 ((1 - p) P + p N).

Two gains:

"subtract": Boll 1979 with Berouti's over-subtraction and floor (Berouti et al. 1979): G² = max(1 - over · N/P, floor).
"wiener": ξ/(1 + ξ) with the a priori ratio ξ by decision (Ephraim and Malah 1984, eq. 51): ξ = 0.98 · G'²P'/N + 0.02 · max(P/N - 1, 0).

Measured on speech with recorded noise by benchmarks/denoise.py.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from auricle.errors import RequestError
from auricle.types import Decibels

Method = Literal["subtract", "wiener"]
Samples = NDArray[np.float32]

_OVERLAPS = 4  # frames that each sample lies in
_MEMORY = 0.98  # of the decision-directed ratio
_PRESENT = 10**1.5  # ξ₁: the ratio expected where there is a signal
_SLOW = 0.8  # of the noise's power
_SURE = 0.99  # at most so present, where it long was: a noise that grew would never be followed else
_LONG = 0.9


class Denoiser:
    """A stream that loses its steady noise, later by one frame.

    Args:
        sample_rate: samples a second.
        method: "subtract" or "wiener".
        over: times the noise's power that is taken; more takes more noise, and more of the signal.
        floor_db: least gain of any bin, decibels; what keeps the rest of the noise even.

    Raises:
        RequestError: settings out of range.
    """

    def __init__(self, sample_rate: int, *, method: Method = "wiener", over: float = 1.0, floor_db: Decibels = -18.0) -> None:
        if method not in {"subtract", "wiener"} or over <= 0 or floor_db > 0:
            raise RequestError(f"denoise by {method!r} with over {over} and floor_db {floor_db}; wanted over > 0 and floor_db <= 0")
        self.hop = max(1, round(0.008 * sample_rate))
        self.win = _OVERLAPS * self.hop
        self._method, self._over = method, over
        self._floor = 10 ** (floor_db / 20)
        self._taper = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.win) / self.win))
        self._kept = np.zeros(self.win - self.hop)  # input that the next frame begins with
        self._sum = np.zeros(self.win - self.hop)  # output that the next frames complete
        bins = self.win // 2 + 1
        self._noise, self._last, self._presence = np.zeros(bins), np.zeros(bins), np.zeros(bins)
        self._frames = 0
        self._taken = 0
        self._given = 0

    def step(self, chunk: Samples, *, last: bool = False) -> Samples:
        """What is ready after the next samples.

        Args:
            chunk: [T] the next samples, any number.
            last: whether the stream ends with them.

        Returns:
            [T'] samples; over a whole stream as many as went in.
        """
        self._taken += len(chunk)
        wave = np.concatenate([self._kept, np.asarray(chunk, dtype=np.float64), np.zeros(self.win if last else 0)])
        count = max(0, (len(wave) - self.win) // self.hop + 1)
        made = [self._frame(wave[i * self.hop : i * self.hop + self.win]) for i in range(count)]
        self._kept = wave[count * self.hop :]
        out = np.concatenate([np.zeros(0), *made])
        # All but the last hop of the first frame belong to the silence before the stream.
        begin = max(0, min(len(out), self.win - self.hop - (self._frames - count) * self.hop))
        out = out[begin:]
        if last:
            out = out[: self._taken - self._given]
        self._given += len(out)
        return out.astype(np.float32)

    def _frame(self, frame: NDArray[np.float64]) -> NDArray[np.float64]:
        """The hop that this frame completes."""
        spectrum = np.fft.rfft(frame * self._taper)
        power = np.abs(spectrum) ** 2 + 1e-12
        gain = self._gain(power, self._follow(power))
        self._frames += 1
        made = np.fft.irfft(spectrum * gain, n=self.win) * self._taper * (2 / _OVERLAPS)
        made[: -self.hop] += self._sum
        self._sum = made[self.hop :]
        ready: NDArray[np.float64] = made[: self.hop]
        return ready

    def _follow(self, power: NDArray[np.float64]) -> NDArray[np.float64]:
        """The noise's power in each bin, after this frame."""
        if self._frames < _OVERLAPS:  # the frames before hold some of the silence before the stream
            self._noise = power
            return power
        share = _PRESENT / (1 + _PRESENT)
        present = 1 / (1 + (1 + _PRESENT) * np.exp(-np.minimum(power / self._noise * share, 200.0)))
        self._presence = _LONG * self._presence + (1 - _LONG) * present
        present = np.where(self._presence > _SURE, np.minimum(present, _SURE), present)
        self._noise = _SLOW * self._noise + (1 - _SLOW) * ((1 - present) * power + present * self._noise)
        return self._noise

    def _gain(self, power: NDArray[np.float64], noise: NDArray[np.float64]) -> NDArray[np.float64]:
        ratio = power / (self._over * noise)
        if self._method == "subtract":
            return np.sqrt(np.maximum(1 - 1 / ratio, self._floor**2))
        prior = _MEMORY * self._last / (self._over * noise) + (1 - _MEMORY) * np.maximum(ratio - 1, 0)
        gain: NDArray[np.float64] = np.maximum(prior / (1 + prior), self._floor)
        self._last = gain**2 * power
        return gain


def denoise(samples: Samples, sample_rate: int, *, method: Method = "wiener", over: float = 1.0, floor_db: Decibels = -18.0) -> Samples:
    """A whole wave without its steady noise, the same that a stream gives.

    Args:
        samples: [T] the wave.
        sample_rate: samples a second.
        method: "subtract" or "wiener".
        over: times the noise's power that is taken.
        floor_db: least gain of any bin, decibels.

    Returns:
        [T] samples.
    """
    return Denoiser(sample_rate, method=method, over=over, floor_db=floor_db).step(samples, last=True)
