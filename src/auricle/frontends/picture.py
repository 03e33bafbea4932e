"""Picture: a mel spectrogram as the image that vision networks were trained on, 3 × 224 × 224, antialiased, with ImageNet's normalisation.

Mel powers, log(1 + gain·power), each clip spread over [0, 1] (or a fixed range), resized along both axes by the antialiased bilinear filter
of Pillow and torch, one channel repeated or a colour map's three, minus ImageNet's mean over its deviation. Low frequencies stand at the
bottom. It is made of matrix products, so it stands in the exported graph like the rest. A picture shows the whole clip: it doesn't stream.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auricle.errors import RequestError, ShapeError
from auricle.frontends._colours import table
from auricle.frontends._compress import faintest, loudest
from auricle.frontends._fourier import PowerSpectrum
from auricle.frontends._frame import framing
from auricle.frontends._mel import filters
from auricle.frontends._rows import by_row
from auricle.frontends._window import window as taper
from auricle.layers.resized import resized
from auricle.types import Hertz

_MEAN = (0.485, 0.456, 0.406)  # of ImageNet's training images, red, green, blue
_DEVIATION = (0.229, 0.224, 0.225)


class Picture(nn.Module):
    """A clip's mel spectrogram as an image.

    Args:
        sample_rate: samples a second of the wave.
        mels: mel filters.
        win_ms: length of a frame, milliseconds, rounded to samples.
        hop_ms: from one frame to the next, milliseconds, rounded to samples.
        n_fft: length of the transform; 0 takes the next power of two, -1 the frame's own length.
        window: taper of a frame; "hann" and "hamming_periodic" are periodic, the others symmetric.
        padding: how the wave is extended past its ends so that frames are centred; "none" doesn't.
        min_hz: lower edge of the lowest filter.
        max_hz: upper edge of the highest; 0 or less counts from half the sample rate.
        scale: definition of the mel filters; "slaney" has unit area, "htk" and "kaldi" have unit height.
        gain: what mel powers are multiplied by before log(1 + x).
        stretch: "clip" spreads each clip over [0, 1]; "fixed" divides by `top` and cuts above 1.
        top: the level that "fixed" makes 1.
        height: rows of the picture.
        width: columns of the picture.
        colours: "grey" repeats one channel; the others are matplotlib's maps.
        normalise: "imagenet" subtracts its mean and divides by its deviation; "none" leaves [0, 1].
    """

    streamable = False
    obstacle = "a picture shows the whole clip"
    channels = 3
    palette: Tensor

    def __init__(
        self,
        sample_rate: int,
        *,
        mels: int = 128,
        win_ms: float = 25.0,
        hop_ms: float = 10.0,
        n_fft: int = 0,
        window: Literal["hann", "hann_symmetric", "hamming", "hamming_periodic", "povey", "blackman", "rectangular"] = "hann",
        padding: Literal["none", "reflect", "reflect_drop_last", "reflect_silence", "zeros", "edge", "kaldi"] = "none",
        min_hz: Hertz = 50.0,
        max_hz: Hertz = 0.0,
        scale: Literal["slaney", "slaney_unit_height", "htk", "htk_unit_area", "kaldi"] = "slaney",
        gain: float = 1e6,
        stretch: Literal["clip", "fixed"] = "clip",
        top: float = 14.0,
        height: int = 224,
        width: int = 224,
        colours: Literal["grey", "viridis", "jet", "magma"] = "grey",
        normalise: Literal["imagenet", "none"] = "imagenet",
    ) -> None:
        super().__init__()
        if height < 1 or width < 1 or gain <= 0 or top <= 0:
            raise RequestError(f"a picture of {height} × {width} with gain {gain} and top {top} can't be made; wanted all above 0")
        frames = framing(sample_rate, win_ms=win_ms, hop_ms=hop_ms, n_fft=n_fft, padding=padding)
        self.sample_rate = sample_rate
        self.bins, self.win, self.hop = height, frames.win, frames.hop
        self.framing = frames
        self.gain, self.stretch, self.top = gain, stretch, top
        self.height, self.width = height, width
        mel = filters(sample_rate, frames.n_fft, bins=mels, min_hz=min_hz, max_hz=max_hz, scale=scale)
        self.spectrum = PowerSpectrum(frames, taper(window, frames.win), weights=mel)
        palette = torch.linspace(0, 1, 256)[:, None].expand(256, 3) if colours == "grey" else table(colours)
        self.colours = colours
        if normalise == "imagenet":
            palette = (palette - torch.tensor(_MEAN)) / torch.tensor(_DEVIATION)
        self.register_buffer("palette", palette.float(), persistent=False)

    def forward(self, wave: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Picture of each row.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, 3, height, width] picture, and [B] its columns.

        Raises:
            ShapeError: the wave is shorter than one frame.
        """
        least = self.win if self.framing.padding == "none" else 1
        if not torch.compiler.is_exporting() and wave.shape[-1] < least:
            raise ShapeError(f"the wave has {wave.shape[-1]} samples; one frame needs {least}")
        counts = self.framing.count(length).clamp(min=1)
        level = torch.log1p(self.spectrum(wave, length) * self.gain)
        if self.stretch == "clip":
            low = faintest(level, counts)
            level = (level - low) / (loudest(level, counts) - low).clamp(min=1e-12)
        else:
            level = (level / self.top).clamp(max=1)
        return self._coloured(self._resized(level, counts)), self.frames(length)

    def frames(self, length: Tensor) -> Tensor:
        """Columns of the picture.

        Args:
            length: [B] samples.

        Returns:
            [B] the width wherever there is a frame.
        """
        return self.framing.count(length).clamp(max=1) * self.width

    def _resized(self, level: Tensor, counts: Tensor) -> Tensor:
        if torch.compiler.is_exporting():
            wide = resized(level, counts, self.width)
        else:
            wide = by_row(level, counts, lambda row: resized(row[None], row.new_full((1,), row.shape[1]), self.width)[0])
        rows = wide.new_full((wide.shape[0],), wide.shape[1])
        return resized(wide.transpose(1, 2), rows, self.height).transpose(1, 2).flip(1)

    def _coloured(self, level: Tensor) -> Tensor:
        if self.colours == "grey":
            low, high = self.palette[0], self.palette[-1]  # a line: no need to round to 256 levels
            return level[:, None] * (high - low)[:, None, None] + low[:, None, None]
        index = (level * 256).clamp(0, 255).to(torch.int64)
        return self.palette[index].permute(0, 3, 1, 2)
