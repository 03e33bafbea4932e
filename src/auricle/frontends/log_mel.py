"""Log-mel spectrogram: mel powers of short frames, natural logarithm, each bin normalised by the training set's statistics.

Frame n covers samples [n·hop, n·hop + win), so a stream and a whole clip agree on every frame they share. Mel triangles as Slaney 1998
(unit area) or the HTK Book (unit height). The statistics are fitted once on training clips and stored with the weights.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from auricle.errors import RequestError, ShapeError
from auricle.frontends._fourier import PowerSpectrum, frame
from auricle.frontends._mel import filters
from auricle.types import Hertz


class LogMel(nn.Module):
    """Normalised log-mel feature.

    Args:
        sample_rate: samples a second of the wave.
        bins: mel filters.
        win_ms: length of a frame, milliseconds, rounded to samples.
        hop_ms: from one frame to the next, milliseconds, rounded to samples.
        min_hz: lower edge of the lowest filter.
        max_hz: upper edge of the highest; 0 means half the sample rate.
        scale: "slaney" or "htk".
        offset: added to the mel power before the logarithm; the floor below which level is no longer told apart.
    """

    streamable = True
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        sample_rate: int,
        *,
        bins: int = 64,
        win_ms: float = 25.0,
        hop_ms: float = 10.0,
        min_hz: Hertz = 50.0,
        max_hz: Hertz = 0.0,
        scale: Literal["slaney", "htk"] = "slaney",
        offset: float = 1e-8,
    ) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.bins = bins
        self.win = round(sample_rate * win_ms / 1000)
        self.hop = round(sample_rate * hop_ms / 1000)
        if self.hop < 1 or self.win < self.hop:
            raise RequestError(f"frames of {win_ms} ms every {hop_ms} ms leave gaps or are empty; wanted win_ms >= hop_ms > 0")
        self.offset = offset
        n_fft = 1 << (self.win - 1).bit_length()
        mel = filters(sample_rate, n_fft, bins=bins, min_hz=min_hz, max_hz=max_hz, scale=scale)
        self.spectrum = PowerSpectrum(torch.hann_window(self.win, periodic=True), n_fft, mel)
        self.register_buffer("mean", torch.zeros(bins))
        self.register_buffer("deviation", torch.ones(bins))

    def forward(self, wave: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Feature of each row.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] normalised log power, and [B] valid frames.

        Raises:
            ShapeError: the wave is shorter than one frame.
        """
        feature = (self._log_power(wave) - self.mean) / self.deviation
        return feature.transpose(1, 2), self.frames(length)

    def frames(self, length: Tensor) -> Tensor:
        """Whole frames in so many samples.

        Args:
            length: [B] samples.

        Returns:
            [B] frames.
        """
        return (torch.div(length - self.win, self.hop, rounding_mode="floor") + 1).clamp(min=0)

    @torch.no_grad()
    def fit(self, waves: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Set each bin's mean and deviation from training clips.

        Args:
            waves: pairs of [B, T] samples and [B] valid samples.
        """
        total = torch.zeros(2, self.bins, dtype=torch.float64)
        count = 0
        for wave, length in waves:
            power = self._log_power(wave)  # [B, N, F]
            valid = torch.arange(power.shape[1])[None] < self.frames(length.cpu())[:, None]
            rows = power.cpu()[valid].double()
            total += torch.stack([rows.sum(0), rows.square().sum(0)])
            count += rows.shape[0]
        if count == 0:
            raise ShapeError("no training clip is as long as one frame; wanted at least one to normalise by")
        mean = total[0] / count
        self.mean.copy_(mean)
        self.deviation.copy_((total[1] / count - mean.square()).clamp(min=1e-4).sqrt())

    def _log_power(self, wave: Tensor) -> Tensor:
        if not torch.compiler.is_exporting() and wave.shape[-1] < self.win:
            raise ShapeError(f"the wave has {wave.shape[-1]} samples; one frame needs {self.win}")
        return torch.log(self.spectrum(frame(wave, win=self.win, hop=self.hop)) + self.offset)
