"""Mel-frequency cepstra, the cosine transform of mel levels, in librosa's, torchaudio's, Kaldi's and HTK's forms.

Davis and Mermelstein 1980. The defaults are 13 cepstra of 40 Slaney mels, which stream; flavours set the published forms. librosa's and
torchaudio's raise levels to 80 dB below the clip's loudest (`range_db`), which needs the whole clip.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from auricle.errors import RequestError
from auricle.frontends._compress import Compression
from auricle.frontends._cosine import CosineTransform
from auricle.frontends._energy import log_energy
from auricle.frontends._feature import Feature
from auricle.frontends._fourier import PowerSpectrum
from auricle.frontends._frame import framing
from auricle.frontends._mel import filters
from auricle.frontends._window import window as taper
from auricle.types import Decibels, Hertz


class Mfcc(Feature):
    """Cepstra of mel levels.

    Args:
        sample_rate: samples a second of the wave.
        coefficients: cepstra kept, from the zeroth.
        mels: mel filters.
        win_ms: length of a frame, milliseconds, rounded to samples (down to samples with `full_scale` other than 1).
        hop_ms: from one frame to the next, milliseconds, rounded likewise.
        n_fft: length of the transform; 0 takes the next power of two, -1 the frame's own length.
        window: taper of a frame; "hann" and "hamming_periodic" are periodic, the others symmetric.
        padding: how the wave is extended past its ends so that frames are centred; "none" doesn't, and streams.
        pre_emphasis: c of x[t] - c·x[t-1]; 0 leaves it out.
        remove_dc: whether each frame's mean is taken from it.
        full_scale: value of a full-scale sample; 32768 for Kaldi and HTK.
        min_hz: lower edge of the lowest filter.
        max_hz: upper edge of the highest; 0 or less counts from half the sample rate.
        scale: definition of the mel filters; "slaney" has unit area, "htk" and "kaldi" have unit height.
        magnitude: filters weigh magnitudes instead of powers.
        compression: "ln" or "db".
        offset: added to the mel power before the logarithm.
        floor: the least mel power.
        range_db: levels so far below the clip's loudest are raised to it; 0 raises none.
        lifter: L of the liftering 1 + L/2 · sin(πk/L) (HTK, Kaldi; librosa counts k from 1); 0 leaves it out.
        energy: what stands for the zeroth cepstrum: itself ("none"), or the frame's log energy before ("raw") or after the taper
            ("windowed").
        energy_floor: least energy.
        htk_order: the zeroth cepstrum (by √2 more) or the energy last (Kaldi's htk-compat).
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
        coefficients: int = 13,
        mels: int = 40,
        win_ms: float = 25.0,
        hop_ms: float = 10.0,
        n_fft: int = 0,
        window: Literal["hann", "hann_symmetric", "hamming", "hamming_periodic", "povey", "blackman", "rectangular"] = "hann",
        padding: Literal["none", "reflect", "reflect_drop_last", "reflect_silence", "zeros", "edge", "kaldi"] = "none",
        pre_emphasis: float = 0.0,
        remove_dc: bool = False,
        full_scale: float = 1.0,
        min_hz: Hertz = 50.0,
        max_hz: Hertz = 0.0,
        scale: Literal["slaney", "slaney_unit_height", "htk", "htk_unit_area", "kaldi"] = "slaney",
        magnitude: bool = False,
        compression: Literal["ln", "db"] = "ln",
        offset: float = 1e-8,
        floor: float = 0.0,
        range_db: Decibels = 0.0,
        lifter: float = 0.0,
        energy: Literal["none", "raw", "windowed"] = "none",
        energy_floor: float = 0.0,
        htk_order: bool = False,
        htk_filters: bool = False,
        blackman: float = 0.42,
        normalise: Literal["statistics", "fixed", "clip_mean", "clip_peak", "clip_range", "none"] = "statistics",
        centre: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        if not 1 <= coefficients <= mels:
            raise RequestError(f"{coefficients} cepstra can't be had from {mels} mels; wanted 1 <= coefficients <= mels")
        cut = framing(
            sample_rate,
            win_ms=win_ms,
            hop_ms=hop_ms,
            n_fft=n_fft,
            padding=padding,
            pre_emphasis=pre_emphasis,
            truncate=full_scale != 1.0,
        )
        frames = cut.with_cleaning(remove_dc=remove_dc, full_scale=full_scale)
        super().__init__(bins=coefficients, framing=frames, normalise=normalise, centre=centre, spread=spread)
        self.sample_rate = sample_rate
        self.energy: Literal["none", "raw", "windowed"] = energy
        self.energy_floor = energy_floor
        self.htk_order = htk_order
        self.compression = Compression(compression, offset=offset, floor=floor, range_db=range_db, magnitude=magnitude)
        mel = filters(sample_rate, frames.n_fft, bins=mels, min_hz=min_hz, max_hz=max_hz, scale=scale, htk=htk_filters)
        self.spectrum = PowerSpectrum(frames, taper(window, frames.win, blackman=blackman), weights=mel, magnitude=magnitude)
        self.cosine = CosineTransform(mels, coefficients, lifter=lifter, doubled_first=htk_order)

    @property
    def obstacle(self) -> str:
        """What keeps it from streaming, named by the setting; "" where nothing does."""
        return "range_db needs the clip's loudest frame" if self.compression.range_db else super().obstacle

    def describe(self, wave: Tensor, length: Tensor) -> Tensor:
        """Cepstra before they are normalised.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] cepstra.
        """
        level = self.compression.level(self.spectrum(wave, length))
        if self.compression.range_db:
            level = self.compression.limited(level, self.frames(length))
        cepstra: Tensor = self.cosine(level)
        if self.energy == "none" and not self.htk_order:
            return cepstra
        first, others = cepstra[:, :1], cepstra[:, 1:]
        if self.energy != "none":
            first = log_energy(
                self.framing.extended(wave, length), self.framing, self.spectrum.window, energy=self.energy, floor=self.energy_floor
            )
        return torch.cat([others, first] if self.htk_order else [first, others], dim=1)
