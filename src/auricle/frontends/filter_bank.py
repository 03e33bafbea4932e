"""Filter bank as Kaldi and HTK compute it: log mel energies of frames with mean removed, pre-emphasis and Povey's window.

The defaults are those of Kaldi's compute-fbank-feats without dither (Povey et al. 2011), on samples of 16-bit scale; AST and many speech
models are trained on it. A frame depends on nothing outside itself, so it streams.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from auricle.frontends._compress import Compression
from auricle.frontends._energy import EPSILON, log_energy
from auricle.frontends._feature import Feature
from auricle.frontends._fourier import PowerSpectrum
from auricle.frontends._frame import framing
from auricle.frontends._mel import filters, peaks
from auricle.frontends._window import window as taper
from auricle.types import Hertz


class FilterBank(Feature):
    """Kaldi's log mel energies.

    Args:
        sample_rate: samples a second of the wave.
        bins: mel filters.
        win_ms: length of a frame, milliseconds, rounded down to samples.
        hop_ms: from one frame to the next, milliseconds, rounded down to samples.
        n_fft: length of the transform; 0 takes the next power of two, -1 the frame's own length.
        window: taper of a frame; "hann" and "hamming_periodic" are periodic, the others symmetric.
        padding: "none" keeps whole frames only (snip_edges), and streams; "kaldi" mirrors the wave past its ends.
        pre_emphasis: c of x[t] - c·x[t-1] in each frame; 0 leaves it out.
        remove_dc: whether each frame's mean is taken from it.
        full_scale: value of a full-scale sample.
        min_hz: lower edge of the lowest filter.
        max_hz: upper edge of the highest; 0 or less counts from half the sample rate.
        magnitude: filters weigh magnitudes instead of powers.
        logarithm: whether levels are logarithms; energies as they are otherwise.
        energy: a bin more with the frame's log energy before ("raw") or after the taper ("windowed"), or "none".
        energy_floor: least energy.
        htk_order: the energy as the last bin instead of the first (Kaldi's htk-compat).
        htk_filters: spectral bins at `min_hz` and `max_hz` are left out as HTK itself does.
        blackman: constant term of the window "blackman".
        normalise: "statistics" of the training set, "fixed" by centre and spread, "clip_mean", "clip_peak", "clip_range" ([-1, 1] a clip)
            or "none".
        centre: what "fixed" subtracts.
        spread: what "fixed" divides by.
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        bins: int = 23,
        win_ms: float = 25.0,
        hop_ms: float = 10.0,
        n_fft: int = 0,
        window: Literal["hann", "hann_symmetric", "hamming", "hamming_periodic", "povey", "blackman", "rectangular"] = "povey",
        padding: Literal["none", "kaldi"] = "none",
        pre_emphasis: float = 0.97,
        remove_dc: bool = True,
        full_scale: float = 32768.0,
        min_hz: Hertz = 20.0,
        max_hz: Hertz = 0.0,
        magnitude: bool = False,
        logarithm: bool = True,
        energy: Literal["none", "raw", "windowed"] = "none",
        energy_floor: float = 0.0,
        htk_order: bool = False,
        htk_filters: bool = False,
        blackman: float = 0.42,
        normalise: Literal["statistics", "fixed", "clip_mean", "clip_peak", "clip_range", "none"] = "statistics",
        centre: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        cut = framing(sample_rate, win_ms=win_ms, hop_ms=hop_ms, n_fft=n_fft, padding=padding, pre_emphasis=pre_emphasis, truncate=True)
        frames = cut.with_cleaning(remove_dc=remove_dc, full_scale=full_scale)
        super().__init__(bins=bins + (energy != "none"), framing=frames, normalise=normalise, centre=centre, spread=spread)
        self.sample_rate = sample_rate
        if energy == "none":
            self.bins_hz = peaks(sample_rate, bins=bins, min_hz=min_hz, max_hz=max_hz, scale="kaldi")
        self.energy: Literal["none", "raw", "windowed"] = energy
        self.energy_floor = energy_floor
        self.htk_order = htk_order
        self.compression = Compression("ln" if logarithm else "none", floor=EPSILON if logarithm else 0.0, magnitude=magnitude)
        mel = filters(sample_rate, frames.n_fft, bins=bins, min_hz=min_hz, max_hz=max_hz, scale="kaldi", htk=htk_filters)
        self.spectrum = PowerSpectrum(frames, taper(window, frames.win, blackman=blackman), weights=mel, magnitude=magnitude, double=True)

    def describe(self, wave: Tensor, length: Tensor) -> Tensor:
        """Levels before they are normalised.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] levels.
        """
        level = self.compression.level(self.spectrum(wave, length))
        if self.energy == "none":
            return level
        energy = log_energy(
            self.framing.extended(wave, length), self.framing, self.spectrum.window, energy=self.energy, floor=self.energy_floor
        )
        return torch.cat([level, energy] if self.htk_order else [energy, level], dim=1)
