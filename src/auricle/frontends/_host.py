"""Power spectra on the host's processor: blocks of frames that stay in its cache, in memory that is used again.

Fresh pages cost more than the transform, so that nothing large is written but the result. torch has the fastest transform here, numpy
the fastest product of many rows with a few columns; each step takes the faster (measured: benchmarks/features_speed.py).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auricle.frontends._banded import span
from auricle.frontends._frame import Framing

_BYTES_AT_ONCE = 1 << 21
# A product with four columns adds up in the same order in every row, wherever the row stands and however many there are, if these are a
# multiple of four: so with each of OpenBLAS's processor kinds; with eight columns some kinds tell where a row stands.
_TOGETHER = 4
_PRODUCT_AT_ONCE = 1 << 18  # multiplications, up to which OpenBLAS keeps to one thread


class HostSpectrum:
    """|rfft|² of tapered frames, or |rfft|, weighed by a matrix over the spectral bins.

    Args:
        framing: where the frames lie.
        window: [win] float64 taper.
        weights: [1 + n_fft // 2, F] weights of each spectral bin; None keeps the bins as they are.
        magnitude: |rfft| instead of its square.
        double: the transform in double precision.
    """

    def __init__(self, framing: Framing, window: Tensor, *, weights: Tensor | None, magnitude: bool, double: bool) -> None:
        self.framing = framing
        self.magnitude = magnitude
        self.cleaned = framing.remove_dc or (framing.pre_emphasis != 0 and not framing.centred)
        self.window = window.to(torch.float64 if double else torch.float32)
        self.dtype = np.float64 if double else np.float32
        self.bins = framing.n_fft // 2 + 1 if weights is None else weights.shape[1]
        self.bands = [] if weights is None else bands(weights, repeat=1 if magnitude else 2)
        work = max((band.size for _, _, band in self.bands), default=1)
        self.block = (
            max(min(_BYTES_AT_ONCE // (framing.n_fft * self.window.itemsize), _PRODUCT_AT_ONCE // work), _TOGETHER) // _TOGETHER * _TOGETHER
        )

    def __call__(self, wave: Tensor, length: Tensor) -> Tensor:
        """Weighed powers.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] power, full scale squared (or its root).
        """
        rows = wave.detach().numpy()
        levels = np.empty((0, 0, self.bins), np.float32)
        with np.errstate(over="ignore", invalid="ignore"):  # what isn't finite comes out as it went in
            for i, samples in enumerate(length.tolist()):
                pieces = [torch.from_numpy(p).unfold(0, self.framing.win, self.framing.hop) for p in self.framing.runs(rows[i], samples)]
                if i == 0:
                    levels = np.empty((len(rows), sum(map(len, pieces)), self.bins), np.float32)
                self._row(pieces, levels[i])
        return torch.from_numpy(levels).transpose(1, 2)

    def _row(self, runs: list[Tensor], levels: NDArray[np.float32]) -> None:
        """Writes [N, F] of one row's frames."""
        count = len(levels)
        block = min(self.block, _filled(count))
        room = np.empty((block, self.framing.n_fft), self.dtype)
        if self.framing.n_fft > self.framing.win:
            room[:, self.framing.win :] = 0
        done = held = 0
        for run in runs:
            for part in _parts(run, block - held, block):
                self._taper(part, room[held : held + len(part), : self.framing.win])
                held += len(part)
                if held == block or done + held == count:
                    self._weigh(self._squares(room, held), levels[done : done + held])
                    done, held = done + held, 0

    def _taper(self, frames: Tensor, room: NDArray[np.floating]) -> None:
        """Writes [n, win] frames, cleaned and tapered, each from itself alone."""
        tapered = torch.from_numpy(room)
        if not self.cleaned:
            torch.mul(frames, self.window, out=tapered)
            return
        tapered.copy_(frames)
        if self.framing.remove_dc:
            tapered -= torch.from_numpy(room.mean(1, keepdims=True))
        if self.framing.pre_emphasis and not self.framing.centred:
            tapered[:, 1:] -= tapered[:, :-1] * self.framing.pre_emphasis
            tapered[:, 0] *= 1 - self.framing.pre_emphasis
        tapered *= self.window

    def _squares(self, room: NDArray[np.floating], count: int) -> NDArray[np.float32]:
        """[R, 2·K] squares of real and imaginary parts in turn; R is the frames' count up to a multiple of four."""
        filled = _filled(count)
        if filled > count:
            room[count:filled] = 0
        parts = torch.view_as_real(torch.fft.rfft(torch.from_numpy(room[:filled])))
        return parts.square_().float().numpy().reshape(filled, -1)

    def _weigh(self, squares: NDArray[np.float32], levels: NDArray[np.float32]) -> None:
        """Writes [n, F] weighed powers of [R, 2·K] squares."""
        if self.magnitude or not self.bands:
            squares = squares[:, ::2] + squares[:, 1::2]
            if self.magnitude:
                np.sqrt(squares, out=squares)
        if not self.bands:
            levels[...] = squares[: len(levels)]
            return
        whole = len(squares) == len(levels)
        made = levels if whole else np.empty((len(squares), self.bins), np.float32)
        multiply(squares, self.bands, made)
        if not whole:
            levels[...] = made[: len(levels)]


def _parts(run: Tensor, first: int, others: int) -> list[Tensor]:
    """A run in parts: what the block begun still holds, then whole blocks."""
    return [run[:first], *torch.split(run[first:], others)] if len(run) > first else [run]


def _filled(count: int) -> int:
    return -(-count // _TOGETHER) * _TOGETHER


def bands(weights: Tensor, *, repeat: int = 1) -> list[tuple[int, int, NDArray[np.float32]]]:
    """A [K, F] matrix by groups of four columns.

    Args:
        weights: [K, F] matrix.
        repeat: how often each row of the matrix stands, for inputs that hold squares of real and imaginary parts beside each other.

    Returns:
        For each four columns the first row that holds anything, one past the last, and what stands there, filled up with zeros.
    """
    found = []
    for first in range(0, weights.shape[1], _TOGETHER):
        part = weights[:, first : first + _TOGETHER]
        lo, hi = span(part)
        held = np.zeros(((hi - lo) * repeat, _TOGETHER), np.float32)
        held[:, : part.shape[1]] = np.repeat(part[lo:hi].numpy(), repeat, 0)
        found.append((lo * repeat, hi * repeat, held))
    return found


def multiply(rows: NDArray[np.float32], matrix: list[tuple[int, int, NDArray[np.float32]]], made: NDArray[np.float32]) -> None:
    """A product with a banded matrix.

    Args:
        rows: [R, K] values, R a multiple of four.
        matrix: as `bands` gives it.
        made: [R, F] what is written.
    """
    for i, (lo, hi, held) in enumerate(matrix):
        columns = made[:, i * _TOGETHER : (i + 1) * _TOGETHER]
        if columns.shape[1] == _TOGETHER:
            np.matmul(rows[:, lo:hi], held, out=columns)
        else:
            columns[...] = (rows[:, lo:hi] @ held)[:, : columns.shape[1]]
