"""Per-channel energy normalisation: mel energies divided by their own slow average, which levels loudness and steady noise.

Wang et al. 2017 (Trainable frontend for robust and far-field keyword spotting, eq. 1-2):

    M[n] = (1 - s) M[n-1] + s E[n],      feature = (E / (ε + M)^gain + bias)^power - bias^power.

The average is a state: a stream carries it from chunk to chunk and equals the whole clip. The defaults are librosa's for speech and indoor
sound, on magnitudes of 32-bit scale.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from auricle.errors import RequestError
from auricle.frontends._feature import Feature
from auricle.frontends._fourier import PowerSpectrum
from auricle.frontends._frame import framing
from auricle.frontends._mel import filters, peaks
from auricle.frontends._smooth import Smoother
from auricle.frontends._window import window as taper
from auricle.types import Hertz, State


class Pcen(Feature):
    """Normalised mel energies.

    Args:
        sample_rate: samples a second of the wave.
        bins: mel filters.
        win_ms: length of a frame, milliseconds, rounded to samples.
        hop_ms: from one frame to the next, milliseconds, rounded to samples.
        n_fft: length of the transform; 0 takes the next power of two, -1 the frame's own length.
        window: taper of a frame; "hann" and "hamming_periodic" are periodic, the others symmetric.
        padding: how the wave is extended past its ends so that frames are centred; "none" doesn't, and streams.
        min_hz: lower edge of the lowest filter.
        max_hz: upper edge of the highest; 0 or less counts from half the sample rate.
        scale: definition of the mel filters; "slaney" has unit area, "htk" and "kaldi" have unit height.
        magnitude: filters weigh magnitudes instead of powers.
        full_scale: value of a full-scale sample.
        gain: how much of the slow average is divided out, 0 to 1.
        bias: added before the root.
        power: the root; 0.5 is the square root.
        time_ms: time constant of the slow average, milliseconds.
        epsilon: added to the slow average.
        begin: the average before the first frame: the first frame's energy ("first"), or 1 ("one"), as librosa has it.
        normalise: "statistics" of the training set, "fixed" by centre and spread, "clip_mean", "clip_peak", "clip_range" ([-1, 1] a clip)
            or "none".
        centre: what "fixed" subtracts.
        spread: what "fixed" divides by.
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        bins: int = 64,
        win_ms: float = 25.0,
        hop_ms: float = 10.0,
        n_fft: int = 0,
        window: Literal["hann", "hann_symmetric", "hamming", "hamming_periodic", "povey", "blackman", "rectangular"] = "hann",
        padding: Literal["none", "reflect", "reflect_drop_last", "reflect_silence", "zeros", "edge", "kaldi"] = "none",
        min_hz: Hertz = 50.0,
        max_hz: Hertz = 0.0,
        scale: Literal["slaney", "slaney_unit_height", "htk", "htk_unit_area", "kaldi"] = "slaney",
        magnitude: bool = True,
        full_scale: float = 2147483648.0,
        gain: float = 0.98,
        bias: float = 2.0,
        power: float = 0.5,
        time_ms: float = 400.0,
        epsilon: float = 1e-6,
        begin: Literal["first", "one"] = "first",
        normalise: Literal["statistics", "fixed", "clip_mean", "clip_peak", "clip_range", "none"] = "statistics",
        centre: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        if not (0 <= gain <= 1 and bias >= 0 and power > 0 and time_ms > 0 and epsilon > 0):
            raise RequestError("pcen wants 0 <= gain <= 1, bias >= 0, power > 0, time_ms > 0 and epsilon > 0")
        frames = framing(sample_rate, win_ms=win_ms, hop_ms=hop_ms, n_fft=n_fft, padding=padding)
        super().__init__(bins=bins, framing=frames, normalise=normalise, centre=centre, spread=spread)
        self.sample_rate = sample_rate
        self.full_scale = full_scale if magnitude else full_scale**2
        self.gain, self.bias, self.power, self.epsilon = gain, bias, power, epsilon
        self.begin = begin
        self.bins_hz = peaks(sample_rate, bins=bins, min_hz=min_hz, max_hz=max_hz, scale=scale)
        mel = filters(sample_rate, frames.n_fft, bins=bins, min_hz=min_hz, max_hz=max_hz, scale=scale)
        self.spectrum = PowerSpectrum(frames, taper(window, frames.win), weights=mel, magnitude=magnitude)
        hops = time_ms / 1000 * sample_rate / frames.hop
        self.smoother = Smoother((math.sqrt(1 + 4 * hops**2) - 1) / (2 * hops**2))

    def describe(self, wave: Tensor, length: Tensor) -> Tensor:
        """Feature before it is normalised by statistics.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] values.
        """
        value, _ = self._levelled(self._energy(wave, length), self.start(wave.shape[0]))
        return value

    def start(self, rows: int) -> State:
        """The state before the first frame.

        Args:
            rows: streams side by side.

        Returns:
            The slow average [B, F], and whether it has begun [B, 1].
        """
        blank = self.spectrum.window.new_zeros(rows, self.bins)
        if self.begin == "one":
            return {"average": blank + 1, "begun": blank[:, :1] + 1}
        return {"average": blank, "begun": blank[:, :1]}

    def step(self, wave: Tensor, state: State) -> tuple[Tensor, State]:
        """The next frames of a stream.

        Args:
            wave: [B, N·hop + win - hop] samples.
            state: what `start` or the last `step` gave.

        Returns:
            [B, F, N] feature, and the next state.
        """
        length = torch.full((wave.shape[0],), wave.shape[-1], device=wave.device)
        value, after = self._levelled(self._energy(wave, length), state)
        return self.normalised(value, self.frames(length)), after

    def _energy(self, wave: Tensor, length: Tensor) -> Tensor:
        energy: Tensor = self.spectrum(wave, length)
        return energy * self.full_scale

    def _levelled(self, energy: Tensor, state: State) -> tuple[Tensor, State]:
        begun = state["begun"]
        before = begun * state["average"] + (1 - begun) * energy[:, :, 0]
        average = self.smoother(energy, before)
        # exp and log instead of powers: in float32 E / M^0.98 would lose what a large E and M share.
        ratio = energy * torch.exp(-self.gain * torch.log(average + self.epsilon))
        value = (ratio + self.bias).pow(self.power) - self.bias**self.power
        return value, {"average": average[:, :, -1], "begun": torch.ones_like(begun)}
