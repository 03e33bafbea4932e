"""Log-mel spectrogram: mel powers of short frames, a logarithm, each bin normalised by the training set's statistics.

Frame n covers samples [n·hop, n·hop + win), so a stream and a whole clip agree on every frame they share; with padding, frames are
centred as librosa's and torch's are, which doesn't stream. Every definition in use is a setting: mel triangles (Slaney 1998, the HTK
Book, Kaldi), window, padding, logarithm and range. `flavour` sets them as a published front end has them: PANNs, ConvNeXt on AudioSet,
EfficientAT, DCLS-Audio, Whisper, librosa.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from auricle.frontends._compress import Compression
from auricle.frontends._feature import Feature
from auricle.frontends._fourier import PowerSpectrum
from auricle.frontends._frame import framing
from auricle.frontends._mel import filters, peaks
from auricle.frontends._window import window as taper
from auricle.types import Decibels, Hertz


class LogMel(Feature):
    """Normalised log-mel feature.

    Args:
        sample_rate: samples a second of the wave.
        bins: mel filters.
        win_ms: length of a frame, milliseconds, rounded to samples.
        hop_ms: from one frame to the next, milliseconds, rounded to samples.
        n_fft: length of the transform; 0 takes the next power of two, -1 the frame's own length.
        window: taper of a frame; "hann" and "hamming_periodic" are periodic, the others symmetric.
        padding: how the wave is extended past its ends so that frames are centred; "none" doesn't, and streams.
        pre_emphasis: c of x[t] - c·x[t-1]; 0 leaves it out.
        min_hz: lower edge of the lowest filter.
        max_hz: upper edge of the highest; 0 means half the sample rate.
        scale: definition of the mel filters; "slaney" has unit area, "htk" and "kaldi" have unit height.
        magnitude: filters weigh magnitudes instead of powers.
        compression: "ln", "log10", "db" (relative to full scale), "log1p" or "none".
        offset: added to the mel power before the logarithm; the floor below which level is no longer told apart.
        floor: the least mel power.
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
        bins: int = 64,
        win_ms: float = 25.0,
        hop_ms: float = 10.0,
        n_fft: int = 0,
        window: Literal["hann", "hann_symmetric", "hamming", "hamming_periodic", "povey", "blackman", "rectangular"] = "hann",
        padding: Literal["none", "reflect", "reflect_drop_last", "reflect_silence", "zeros", "edge", "kaldi"] = "none",
        pre_emphasis: float = 0.0,
        min_hz: Hertz = 50.0,
        max_hz: Hertz = 0.0,
        scale: Literal["slaney", "slaney_unit_height", "htk", "htk_unit_area", "kaldi"] = "slaney",
        magnitude: bool = False,
        compression: Literal["ln", "log10", "db", "log1p", "none"] = "ln",
        offset: float = 1e-8,
        floor: float = 0.0,
        range_db: Decibels = 0.0,
        normalise: Literal["statistics", "fixed", "clip_mean", "clip_peak", "clip_range", "none"] = "statistics",
        centre: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        frames = framing(sample_rate, win_ms=win_ms, hop_ms=hop_ms, n_fft=n_fft, padding=padding, pre_emphasis=pre_emphasis)
        super().__init__(bins=bins, framing=frames, normalise=normalise, centre=centre, spread=spread)
        self.sample_rate = sample_rate
        self.compression = Compression(compression, offset=offset, floor=floor, range_db=range_db, magnitude=magnitude)
        self.bins_hz = peaks(sample_rate, bins=bins, min_hz=min_hz, max_hz=max_hz, scale=scale)
        mel = filters(sample_rate, frames.n_fft, bins=bins, min_hz=min_hz, max_hz=max_hz, scale=scale)
        self.spectrum = PowerSpectrum(frames, taper(window, frames.win), weights=mel, magnitude=magnitude)

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
        return self.compression.limited(level, self.frames(length)) if self.compression.range_db else level
