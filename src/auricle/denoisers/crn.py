"""A convolutional recurrent network that masks the spectrum: an encoder and a decoder over bands with a recurrence between them.

Tan and Wang 2018 (A convolutional recurrent neural network for real-time speech enhancement, section 2.4): causal convolutions that halve
the bands, a recurrence over time, transposed convolutions, each beside the encoder's layer of its size. Smaller here (166 k parameters
instead of 17 M): it hears and masks bands instead of bins, by one GRU instead of two LSTMs, and multiplies the noisy spectrum by a mask in
[0, 1] instead of making magnitudes. Frames are tapered by the root of Hann's window before and after, so that a mask of 1 gives the wave
back; the answer comes later by a frame less a hop.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.time_conv2d import TimeConv2d
from auricle.types import State

_QUIET = 1e-6  # power of a bin below which nothing is heard; that of white noise at -84 dB of full scale in a frame of 30 ms


class Crn(nn.Module):
    """Mask of the bands of a short-time spectrum, from this and earlier frames.

    Args:
        sample_rate: samples a second.
        win_ms: length of a frame, milliseconds; a multiple of `hop_ms`, at least twice.
        hop_ms: from one frame to the next.
        bands: that are heard and masked; a multiple of two to the power of as many as there are `channels`.
        channels: of each layer of the encoder.
        hidden: units of the recurrence.
    """

    analysis: Tensor
    synthesis: Tensor
    spread: Tensor

    def __init__(
        self,
        sample_rate: int,
        *,
        win_ms: float = 30.0,
        hop_ms: float = 10.0,
        bands: int = 80,
        channels: tuple[int, ...] = (16, 24, 32),
        hidden: int = 96,
    ) -> None:
        super().__init__()
        self.hop = round(hop_ms * sample_rate / 1000)
        self.overlaps = round(win_ms / hop_ms) if hop_ms > 0 else 0
        if self.hop < 1 or self.overlaps < 2 or abs(win_ms - self.overlaps * hop_ms) > 1e-6:
            raise RequestError(f"denoiser.win_ms is {win_ms:g} and hop_ms {hop_ms:g}; wanted a multiple of it, at least twice")
        self.win = self.overlaps * self.hop
        self.delay = self.win - self.hop
        if bands % 2 ** len(channels) or not 0 < bands <= self.win // 2:
            raise RequestError(f"denoiser.bands is {bands}; wanted a multiple of {2 ** len(channels)}, at most {self.win // 2}")
        for name, value in zip(("analysis", "synthesis"), _transform(self.win, self.overlaps), strict=True):
            self.register_buffer(name, value, persistent=False)
        self.register_buffer("spread", _spread(bands, self.win // 2 + 1), persistent=False)
        sizes = (1, *channels)
        self.heights = [bands >> i for i in range(len(channels))]
        self.hidden = hidden
        self.norm = nn.BatchNorm1d(bands)
        self.encoder = nn.ModuleList(
            TimeConv2d(a, b, kernel=(3, 2), stride=(2, 1), causal=True) for a, b in zip(sizes[:-1], channels, strict=True)
        )
        self.encoder_norms = nn.ModuleList(nn.BatchNorm2d(b) for b in channels)
        inside = channels[-1] * (bands >> len(channels))
        self.recurrence = nn.GRU(inside, hidden, batch_first=True)
        self.onward = nn.Linear(hidden, inside)
        self.decoder = nn.ModuleList(
            nn.ConvTranspose2d(2 * b, a, (3, 1), (2, 1), padding=(1, 0), output_padding=(1, 0), bias=a == 1)
            for a, b in zip(sizes[-2::-1], sizes[:0:-1], strict=True)
        )
        self.decoder_norms = nn.ModuleList(nn.BatchNorm2d(a) for a in sizes[-2:0:-1])

    def forward(self, wave: Tensor, length: Tensor) -> Tensor:
        """Whole clips without their noise.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, T] samples, each at its own time, 0 behind the length.
        """
        total = wave.shape[-1]
        inside = torch.arange(total, device=wave.device)[None] < length[:, None]
        heard = nn.functional.pad(wave * inside, (0, self.delay + self.hop - 1))
        made, _ = self.step(heard[:, : heard.shape[-1] // self.hop * self.hop], self.start(wave.shape[0]))
        return made[:, self.delay : self.delay + total] * inside

    def start(self, rows: int) -> State:
        """The state before the first sample: silence.

        Args:
            rows: streams side by side.

        Returns:
            [B, …] samples before the next frame, frames that are not whole yet, and what the network remembers.
        """
        zeros = self.spread.new_zeros
        state = {"heard": zeros(rows, self.delay), "made": zeros(rows, self.overlaps - 1, self.overlaps, self.hop)}
        for i, (layer, height) in enumerate(zip(self.encoder, self.heights, strict=True)):
            assert isinstance(layer, TimeConv2d)
            state[f"encoder.{i}"] = layer.start(rows, height)
        return state | {"recurrence": zeros(rows, self.hidden)}

    def step(self, wave: Tensor, state: State) -> tuple[Tensor, State]:
        """The next samples of a stream.

        Args:
            wave: [B, M·hop] samples.
            state: what `start` or the last `step` gave.

        Returns:
            [B, M·hop] samples, those of `delay` samples before, and the next state.
        """
        joined = torch.cat([state["heard"], wave], dim=-1)
        spectrum = joined.unfold(-1, self.win, self.hop) @ self.analysis  # [B, M, 2·F], real parts first
        real, imaginary = spectrum.chunk(2, dim=-1)
        mask, after = self._mask((real.square() + imaginary.square()) @ self.spread.T, state)
        gain = mask @ self.spread  # [B, M, F]
        frames = (spectrum * torch.cat([gain, gain], dim=-1)) @ self.synthesis  # [B, M, win]
        rows, count, _ = frames.shape
        blocks = torch.cat([state["made"], frames.reshape(rows, count, self.overlaps, self.hop)], dim=1)
        # Frame m completes its own first hop, to which the k-th frame before adds its hop k.
        made = sum(blocks[:, self.overlaps - 1 - k : self.overlaps - 1 - k + count, k] for k in range(self.overlaps))
        assert isinstance(made, Tensor)
        after |= {"heard": joined[:, joined.shape[-1] - self.delay :], "made": blocks[:, blocks.shape[1] - self.overlaps + 1 :]}
        return made.flatten(1), after

    def _mask(self, power: Tensor, state: State) -> tuple[Tensor, State]:
        """[B, M, bands] masks of [B, M, bands] powers, and what is remembered of them."""
        after: State = {}
        x = self.norm((power + _QUIET).log().transpose(1, 2))[:, None]
        skips: list[Tensor] = []
        for i, (layer, norm) in enumerate(zip(self.encoder, self.encoder_norms, strict=True)):
            assert isinstance(layer, TimeConv2d)
            x, after[f"encoder.{i}"] = layer.step(x, state[f"encoder.{i}"])
            x = nn.functional.elu(norm(x))
            skips.append(x)
        sequence, hidden = self.recurrence(x.flatten(1, 2).transpose(1, 2), state["recurrence"][None])
        after["recurrence"] = hidden[0]
        x = self.onward(sequence).transpose(1, 2).unflatten(1, (x.shape[1], x.shape[2]))
        for i, layer in enumerate(self.decoder):
            x = layer(torch.cat([x, skips[-1 - i]], dim=1))
            if i < len(self.decoder_norms):
                x = nn.functional.elu(self.decoder_norms[i](x))
        return x[:, 0].transpose(1, 2).sigmoid(), after


def _transform(win: int, overlaps: int) -> tuple[Tensor, Tensor]:
    """[win, 2·F] tapered samples to spectrum, and [2·F, win] back, such that overlapping frames add up to the wave."""
    at = torch.arange(win, dtype=torch.float64)
    taper = (0.5 - 0.5 * torch.cos(2 * math.pi * at / win)).sqrt()
    turns = torch.fft.rfft(torch.eye(win, dtype=torch.float64))  # [win, F]
    back = torch.fft.irfft(torch.cat([torch.eye(win // 2 + 1), 1j * torch.eye(win // 2 + 1)]).to(torch.complex128), n=win)
    analysis = torch.cat([turns.real, turns.imag], dim=1) * taper[:, None]
    return analysis.float(), (back * taper * (2 / overlaps)).float()


def _spread(bands: int, bins: int) -> Tensor:
    """[bands, bins] weights, of which those of each bin sum to 1: bands of one bin below, of a constant ratio of their frequency above."""

    def centres(ratio: float) -> list[float]:
        found = [0.0]
        while len(found) < bands:
            found.append(found[-1] + max(1.0, ratio * found[-1]))
        return found

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if centres(middle)[-1] < bins - 1 else (low, middle)
    at = torch.tensor(centres(high), dtype=torch.float64) * ((bins - 1) / centres(high)[-1])
    bin_ = torch.arange(bins, dtype=torch.float64)
    above = torch.searchsorted(at, bin_).clamp(1, bands - 1)
    share = ((bin_ - at[above - 1]) / (at[above] - at[above - 1])).clamp(0, 1)
    weights = torch.zeros(bands, bins, dtype=torch.float64)
    weights[above, torch.arange(bins)] = share
    weights[above - 1, torch.arange(bins)] = 1 - share
    return weights.float()
