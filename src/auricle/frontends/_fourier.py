"""Power spectra in two forms that agree: a fast Fourier transform, and two small matrix products for exported graphs.

The matrix form splits a transform of N = N1·N2 points (Cooley and Tukey 1965): with n = N2·n1 + n2 and k = k1 + N1·k2,

    X[k] = Σ_n2 W_N2^(n2·k2) · ( W_N^(n2·k1) · Σ_n1 W_N1^(n1·k1) x[n] ),      W_M = exp(-2πi/M).

A real wave's spectrum is symmetric, |X[k]| = |X[N-k]|, and k1 and N1-k1 trade places under that symmetry; so k1 = 0 … N1/2 already
holds every power once, and what stands twice is left out where the powers are weighed together. Multiplications fall from N·(N/2) a frame
to about N·(N1/2 + N2), and the constants from megabytes to kilobytes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def frame(wave: Tensor, *, win: int, hop: int) -> Tensor:
    """Overlapping frames by slices of whole hops, which every runtime does fast.

    Args:
        wave: [B, T] samples, T >= win.
        win: samples in a frame.
        hop: samples from one frame to the next.

    Returns:
        [B, N, win] frames, N = 1 + (T - win) // hop.
    """
    rows, total = wave.shape
    count = 1 + (total - win) // hop
    parts = -(-win // hop)
    needed = (count + parts - 1) * hop
    padded = nn.functional.pad(wave, (0, parts * hop - win))[:, :needed]
    grid = padded.reshape(rows, count + parts - 1, hop)
    return torch.cat([grid[:, i : i + count] for i in range(parts)], dim=-1)[..., :win]


class PowerSpectrum(nn.Module):
    """|rfft|² of windowed frames, weighed by a matrix over the spectral bins.

    Args:
        window: [win] taper.
        n_fft: length of the transform, a power of two, at least `win`; frames are padded with zeros at their end.
        weights: [1 + n_fft // 2, F] weights of each spectral bin.
    """

    window: Tensor
    weights: Tensor
    first: Tensor
    twiddle: Tensor
    second: Tensor
    folded: Tensor

    def __init__(self, window: Tensor, n_fft: int, weights: Tensor) -> None:
        super().__init__()
        self.n_fft = n_fft
        self.matrix_form = False
        rows = 1 << (int(math.log2(n_fft)) // 2)
        columns = n_fft // rows
        half = rows // 2 + 1
        k1 = torch.arange(half, dtype=torch.float64)
        first = -2 * math.pi / rows * torch.outer(torch.arange(rows, dtype=torch.float64), k1)
        twiddle = -2 * math.pi / n_fft * torch.outer(torch.arange(columns, dtype=torch.float64), k1)
        n2 = torch.arange(columns, dtype=torch.float64)
        second = -2 * math.pi / columns * torch.outer(n2, n2)
        cos, sin = torch.cos(second), torch.sin(second)
        self.register_buffer("window", window.float(), persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("first", torch.cat([torch.cos(first), torch.sin(first)], 1).float(), persistent=False)
        self.register_buffer("twiddle", torch.stack([torch.cos(twiddle).T, torch.sin(twiddle).T]).float(), persistent=False)
        self.register_buffer("second", torch.cat([torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)], 0).float(), persistent=False)
        self.register_buffer("folded", _fold(weights, rows, columns), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Weighed powers.

        Args:
            frames: [B, N, win] samples.

        Returns:
            [B, N, F] power, full scale squared.
        """
        frames = frames * self.window
        if self.matrix_form:
            return self._by_matrices(frames)
        spectrum = torch.view_as_real(torch.fft.rfft(frames, n=self.n_fft))
        return spectrum.square().sum(-1) @ self.weights

    def _by_matrices(self, frames: Tensor) -> Tensor:
        batch, count, win = frames.shape
        half, columns = self.twiddle.shape[1:]
        rows = self.n_fft // columns
        grid = nn.functional.pad(frames, (0, self.n_fft - win)).reshape(batch, count, rows, columns)
        inner = grid.transpose(2, 3) @ self.first  # [B, N, N2, 2·K1]
        real, imaginary = inner.transpose(2, 3).split(half, dim=2)  # [B, N, K1, N2] each
        cos, sin = self.twiddle[0], self.twiddle[1]
        turned = torch.cat([real * cos - imaginary * sin, real * sin + imaginary * cos], dim=-1)  # [B, N, K1, 2·N2]
        outer = turned @ self.second
        power = outer[..., :columns].square() + outer[..., columns:].square()
        return power.flatten(2) @ self.folded


def _fold(weights: Tensor, rows: int, columns: int) -> Tensor:
    """Weights over (k1, k2) instead of k: [K1·N2, F], each spectral bin counted once."""
    n_fft = rows * columns
    folded = torch.zeros(rows // 2 + 1, columns, weights.shape[1])
    for k in range(weights.shape[0]):
        k1, k2 = k % rows, k // rows
        if k1 > rows // 2:
            k1, k2 = (n_fft - k) % rows, (n_fft - k) // rows
        folded[k1, k2] = weights[k]
    return folded.flatten(0, 1)
