"""Spectrogram: level of every spectral bin of short frames, each bin normalised by the training set's statistics.

Powers or magnitudes as librosa and torch have them, and with `full_scale = 32768`, Povey's window, pre-emphasis and `energy` those of
Kaldi's compute-spectrogram-feats (whose bin 0 is the frame's log energy).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from auricle.frontends._compress import Compression
from auricle.frontends._energy import log_energy
from auricle.frontends._feature import Feature
from auricle.frontends._fourier import PowerSpectrum
from auricle.frontends._frame import framing
from auricle.frontends._window import window as taper
from auricle.types import Decibels


class Spectrogram(Feature):
    """Levels of spectral bins.

    Args:
        sample_rate: samples a second of the wave.
        win_ms: length of a frame, milliseconds, rounded to samples.
        hop_ms: from one frame to the next, milliseconds, rounded to samples.
        n_fft: length of the transform; 0 takes the next power of two, -1 the frame's own length.
        window: taper of a frame; "hann" and "hamming_periodic" are periodic, the others symmetric.
        padding: how the wave is extended past its ends so that frames are centred; "none" doesn't, and streams.
        pre_emphasis: c of x[t] - c·x[t-1]; 0 leaves it out.
        remove_dc: whether each frame's mean is taken from it.
        full_scale: value of a full-scale sample; 32768 for Kaldi.
        magnitude: magnitudes instead of powers.
        energy: what stands in bin 0: its own level ("none"), or the frame's log energy before ("raw") or after the taper ("windowed").
        energy_floor: least energy.
        blackman: constant term of the window "blackman".
        compression: "ln", "log10", "db" (relative to a power of 1), "log1p" or "none".
        offset: added to the power before the logarithm.
        floor: the least power.
        range_db: levels so far below the clip's loudest are raised to it; 0 raises none.
        normalise: "statistics" of the training set, "fixed" by centre and spread, "clip_mean", "clip_peak", "clip_range" ([-1, 1] a clip)
            or "none".
        centre: what "fixed" subtracts.
        spread: what "fixed" divides by.
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        win_ms: float = 25.0,
        hop_ms: float = 10.0,
        n_fft: int = 0,
        window: Literal["hann", "hann_symmetric", "hamming", "hamming_periodic", "povey", "blackman", "rectangular"] = "hann",
        padding: Literal["none", "reflect", "reflect_drop_last", "reflect_silence", "zeros", "edge", "kaldi"] = "none",
        pre_emphasis: float = 0.0,
        remove_dc: bool = False,
        full_scale: float = 1.0,
        magnitude: bool = False,
        energy: Literal["none", "raw", "windowed"] = "none",
        energy_floor: float = 0.0,
        blackman: float = 0.42,
        compression: Literal["ln", "log10", "db", "log1p", "none"] = "ln",
        offset: float = 1e-8,
        floor: float = 0.0,
        range_db: Decibels = 0.0,
        normalise: Literal["statistics", "fixed", "clip_mean", "clip_peak", "clip_range", "none"] = "statistics",
        centre: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        cut = framing(sample_rate, win_ms=win_ms, hop_ms=hop_ms, n_fft=n_fft, padding=padding, pre_emphasis=pre_emphasis)
        frames = cut.with_cleaning(remove_dc=remove_dc, full_scale=full_scale)
        super().__init__(bins=frames.n_fft // 2 + 1, framing=frames, normalise=normalise, centre=centre, spread=spread)
        self.sample_rate = sample_rate
        self.bins_hz = tuple(i * sample_rate / frames.n_fft for i in range(self.bins))
        self.energy: Literal["none", "raw", "windowed"] = energy
        self.energy_floor = energy_floor
        self.compression = Compression(compression, offset=offset, floor=floor, range_db=range_db, magnitude=magnitude)
        self.spectrum = PowerSpectrum(frames, taper(window, frames.win, blackman=blackman), magnitude=magnitude)

    @property
    def obstacle(self) -> str:
        """What keeps it from streaming, named by the setting; "" where nothing does."""
        return "range_db needs the clip's loudest frame" if self.compression.range_db else super().obstacle

    def describe(self, wave: Tensor, length: Tensor) -> Tensor:
        """Levels before they are normalised.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] levels.
        """
        level = self.compression.level(self.spectrum(wave, length))
        if self.compression.range_db:
            level = self.compression.limited(level, self.frames(length))
        if self.energy == "none":
            return level
        first = log_energy(
            self.framing.extended(wave, length), self.framing, self.spectrum.window, energy=self.energy, floor=self.energy_floor
        )
        return torch.cat([first, level[:, 1:]], dim=1)
