"""Where frames lie in a wave, how the wave is extended past its ends, and what is done to a frame before its spectrum."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from auricle.errors import RequestError
from auricle.frontends._device import on_host

Padding = Literal["none", "reflect", "reflect_drop_last", "reflect_silence", "zeros", "edge", "kaldi"]


@dataclass(frozen=True, slots=True)
class Framing:
    """Frames of a wave.

    With padding "none" frame n covers samples [n·hop, n·hop + win), which streams. "reflect", "zeros" and "edge" centre frame n on sample
    n·hop and extend the wave so (librosa, torch); "reflect_drop_last" leaves out the frame after the last whole hop (Whisper);
    "reflect_silence" reflects the beginning and puts silence behind the end, for as long as a frame hears some of the wave. "kaldi"
    centres it on n·hop + hop/2 and mirrors the wave with its end samples doubled (Kaldi's snip_edges=false). Each row of a batch is
    extended at its own end.

    Args:
        win: samples in a frame.
        hop: samples from one frame to the next.
        n_fft: length of the transform.
        padding: how the wave is extended.
        pre_emphasis: c of y[t] = x[t] - c·x[t-1]. Within each frame, its first sample against itself, as HTK and Kaldi do; over the whole
            wave, whose first sample is lost, where frames are centred.
        remove_dc: whether each frame's mean is taken from it.
        full_scale: value of a full-scale sample; 32768 for Kaldi and HTK.
    """

    win: int
    hop: int
    n_fft: int
    padding: Padding = "none"
    pre_emphasis: float = 0.0
    remove_dc: bool = False
    full_scale: float = 1.0

    @property
    def centred(self) -> bool:
        """Whether frames are centred as librosa's and torch's are."""
        return self.padding not in {"none", "kaldi"}

    def with_cleaning(self, *, remove_dc: bool, full_scale: float) -> Framing:
        """The same frames with Kaldi's preparations.

        Args:
            remove_dc: whether each frame's mean is taken from it.
            full_scale: value of a full-scale sample.

        Returns:
            The frames.
        """
        return replace(self, remove_dc=remove_dc, full_scale=full_scale)

    def count(self, length: Tensor) -> Tensor:
        """Frames of so many samples.

        Args:
            length: [B] samples.

        Returns:
            [B] frames.
        """
        if self.centred and self.pre_emphasis:
            length = length - 1
        if self.padding == "none":
            return (torch.div(length - self.win, self.hop, rounding_mode="floor") + 1).clamp(min=0)
        if self.padding == "kaldi":
            return torch.div(length + self.hop // 2, self.hop, rounding_mode="floor")
        if self.padding == "reflect_silence":
            return torch.div(length - 1 + self.win // 2, self.hop, rounding_mode="floor") + 1
        whole = torch.div(length, self.hop, rounding_mode="floor")
        return whole if self.padding == "reflect_drop_last" else whole + 1

    def extended(self, wave: Tensor, length: Tensor) -> Tensor:
        """The wave that whole frames are cut from, one after the other from its first sample.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, T'] samples.
        """
        if self.padding == "none":
            return wave if self.full_scale == 1.0 else wave * self.full_scale
        if on_host(wave):
            pieces = [self.extended_row(row, n) for row, n in zip(wave.detach().numpy(), length.tolist(), strict=True)]
            return torch.from_numpy(pieces[0][None] if len(pieces) == 1 else np.stack(pieces))
        if self.full_scale != 1.0:
            wave = wave * self.full_scale
        if self.centred and self.pre_emphasis:
            wave, length = wave[:, 1:] - self.pre_emphasis * wave[:, :-1], length - 1
        longer = _extend(wave, length, left=max(self._before, 0), right=self.win, padding=self.padding)
        return longer[:, max(-self._before, 0) :][:, : self._needed(wave.shape[1])]

    def extended_row(self, row: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
        """The same of one row on the host, by copies alone.

        Args:
            row: [T] samples, full scale ±1.
            samples: how many are valid.

        Returns:
            [T'] samples.
        """
        if self.full_scale != 1.0:
            row = row * np.float32(self.full_scale)
        if self.padding == "none":
            return row
        if self.centred and self.pre_emphasis:
            row, samples = row[1:] - np.float32(self.pre_emphasis) * row[:-1], samples - 1
        rest = np.zeros(len(row) - samples, np.float32)
        before, behind = _beyond(row[:samples], max(self._before, 0), self.win, self.padding)
        longer = np.concatenate([before, row[:samples], behind, rest])
        return longer[max(-self._before, 0) :][: self._needed(len(row))]

    def runs(self, row: NDArray[np.float32], samples: int) -> list[NDArray[np.float32]]:
        """The same of one row in pieces that frames are cut from one after the other; of a long row only the ends are copied.

        Args:
            row: [T] samples, full scale ±1.
            samples: how many are valid.

        Returns:
            [T'] samples of each piece.
        """
        kept = -(-(self.win + self.n_fft) // self.hop) * self.hop
        cut = (samples - 2 * kept) // self.hop * self.hop  # whole hops from the middle, which moves no frame at the end
        if self.padding == "none" or self.full_scale != 1.0 or (self.centred and self.pre_emphasis) or cut < kept:
            return [self.extended_row(row, samples)]
        ends = self.extended_row(np.concatenate([row[:kept], row[kept + cut :]]), samples - cut)
        first = (self._before + kept - self.win) // self.hop + 1  # frame that hears the cut
        last = -(-(self._before + kept + cut) // self.hop)  # frame that is past it
        inside = row[first * self.hop - self._before : (last - 1) * self.hop - self._before + self.win]
        return [ends[: (first - 1) * self.hop + self.win], inside, ends[last * self.hop - cut :]]

    def _needed(self, total: int) -> int:
        """Samples that all frames of a wave of so many hear together."""
        if self.padding == "kaldi":
            return ((total + self.hop // 2) // self.hop - 1) * self.hop + self.win
        if self.padding == "reflect_silence":
            return (total - 1 + self.win // 2) // self.hop * self.hop + self.win
        return total + self.win - (self.hop if self.padding == "reflect_drop_last" else 0)

    @property
    def _before(self) -> int:
        """Samples that the first frame begins before the wave's first."""
        return self.win // 2 - self.hop // 2 if self.padding == "kaldi" else self.n_fft // 2 - (self.n_fft - self.win) // 2

    def rows(self, wave: Tensor) -> Tensor:
        """Frames as a view, cleaned.

        Args:
            wave: [B, T'] what `extended` gave.

        Returns:
            [B, N, win] samples.
        """
        return self._cleaned(wave.unfold(-1, self.win, self.hop), -1)

    def columns(self, wave: Tensor) -> Tensor:
        """Frames by slices of whole hops, which every runtime does fast, cleaned.

        Args:
            wave: [B, T'] what `extended` gave.

        Returns:
            [B, win, N] samples.
        """
        count = 1 + (wave.shape[1] - self.win) // self.hop
        parts = -(-self.win // self.hop)
        needed = (count + parts - 1) * self.hop
        padded = pad(wave, (0, parts * self.hop - self.win))[:, :needed]
        grid = padded.reshape(wave.shape[0], count + parts - 1, self.hop).transpose(1, 2)  # [B, hop, N + parts - 1]
        kept = [grid[:, : self.win - i * self.hop, i : i + count] for i in range(parts)]
        return self._cleaned(torch.cat(kept, dim=1), 1)

    def lattice(self, wave: Tensor, step: int) -> Tensor:
        """Frames with every `step`-th sample together, the order in which a transform in two stages takes them.

        Where hops hold whole steps, each sample is moved once: a run of whole hops is turned over and its slices stand one behind the
        other, the frame's last samples from a run of their own that ends with the last frame.

        Args:
            wave: [B, T'] what `extended` gave.
            step: samples from one to the next; the last of a frame may be filled up with zeros.

        Returns:
            [B, step, ⌈win / step⌉, N] samples, cleaned.
        """
        rows = wave.shape[0]
        cleaned = self.remove_dc or (self.pre_emphasis and not self.centred)
        if cleaned or self.hop > self.win or self.hop % step or self.win % step:
            frames = self.columns(wave)
            frames = pad(frames, (0, 0, 0, -self.win % step)) if self.win % step else frames
            return frames.reshape(rows, -1, step, frames.shape[2]).transpose(1, 2)
        count = 1 + (wave.shape[1] - self.win) // self.hop
        whole = (self.win - 1) // self.hop
        rest = (self.win - whole * self.hop) // step
        begin = max(self.win - self.hop, 0)
        last = wave[:, begin : begin + count * self.hop].reshape(rows, count, self.hop)
        kept = [last[:, :, self.hop - rest * step :].transpose(1, 2)]
        if whole:
            hops = wave[:, : (count + whole - 1) * self.hop].reshape(rows, count + whole - 1, self.hop).transpose(1, 2)
            kept = [hops[..., i : i + count] for i in range(whole)] + kept
        turned = [part.reshape(rows, -1, step, count).transpose(1, 2) for part in kept]
        return torch.cat(turned, dim=2)

    def _cleaned(self, frames: Tensor, dim: int) -> Tensor:
        if self.remove_dc:
            # Contiguous first: over an overlapping view the sum's order depends on how many frames there are.
            frames = frames.contiguous()
            frames = frames - frames.mean(dim, keepdim=True)
        if self.pre_emphasis and not self.centred:
            before = torch.cat([frames.narrow(dim, 0, 1), frames.narrow(dim, 0, self.win - 1)], dim)
            frames = frames - self.pre_emphasis * before
        return frames


def framing(
    sample_rate: int,
    *,
    win_ms: float,
    hop_ms: float,
    n_fft: int = 0,
    padding: Padding = "none",
    pre_emphasis: float = 0.0,
    truncate: bool = False,
) -> Framing:
    """Frames by their times.

    Args:
        sample_rate: samples a second.
        win_ms: length of a frame, milliseconds.
        hop_ms: from one frame to the next, milliseconds.
        n_fft: length of the transform; 0 takes the next power of two, -1 the frame's own length.
        padding: as `Framing` says.
        pre_emphasis: as `Framing` says.
        truncate: round down to samples, as Kaldi does, instead of to the nearest.

    Returns:
        The frames.

    Raises:
        RequestError: frames that are empty or longer than the transform.
    """
    win, hop = (math.floor(sample_rate * ms / 1000 + 1e-9) if truncate else round(sample_rate * ms / 1000) for ms in (win_ms, hop_ms))
    if hop < 1 or win < 1:
        raise RequestError(f"frames of {win_ms} ms every {hop_ms} ms are empty at {sample_rate} Hz; wanted at least a sample of both")
    points = {0: 1 << (win - 1).bit_length(), -1: win}.get(n_fft, n_fft)
    if points < win:
        raise RequestError(f"n_fft is {n_fft}, shorter than a frame of {win} samples ({win_ms} ms at {sample_rate} Hz)")
    return Framing(win, hop, points, padding, pre_emphasis)


def _extend(wave: Tensor, length: Tensor, *, left: int, right: int, padding: Padding) -> Tensor:
    rows, total = wave.shape
    own = length[:, None].to(torch.int64)
    clean = torch.where(torch.arange(total, device=wave.device) < own, wave, wave.new_zeros(()))
    if padding == "zeros":
        return pad(clean, (left, right))
    before = torch.arange(-left, 0, device=wave.device)[None].expand(rows, left)
    after = own + torch.arange(right, device=wave.device)
    head = clean.gather(1, _folded(before, own, padding))
    if padding == "reflect_silence":
        return torch.cat([head, clean, wave.new_zeros(rows, right)], dim=1)
    tail = clean.gather(1, _folded(after, own, padding))
    longer = torch.cat([head, clean, wave.new_zeros(rows, right)], dim=1)
    return longer.scatter(1, after + left, tail)


def _beyond(own: NDArray[np.float32], left: int, right: int, padding: Padding) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What stands before and behind one row: [left] and [right]."""
    samples = len(own)
    if padding == "zeros":
        return np.zeros(left, np.float32), np.zeros(right, np.float32)
    if padding == "edge" or samples <= max(left, right):
        places = _folded(torch.arange(-left, samples + right), torch.tensor(samples), padding).numpy()
        before, behind = own[places[:left]], own[places[left + samples :]]
    else:
        once = 0 if padding == "kaldi" else 1
        before, behind = own[once : left + once][::-1], own[samples - right - once : samples - once][::-1]
    return before, np.zeros_like(behind) if padding == "reflect_silence" else behind


def _folded(at: Tensor, length: Tensor, padding: Padding) -> Tensor:
    """Positions inside the row that stand for positions outside it."""
    last = (length - 1).clamp(min=0)
    if padding == "edge":
        return torch.minimum(at.clamp(min=0), last)
    if padding == "kaldi":
        period = 2 * (last + 1)
        inside = torch.remainder(at, period)
        return torch.where(inside > last, period - 1 - inside, inside)
    period = (2 * last).clamp(min=1)
    inside = torch.remainder(at, period)
    return torch.where(inside > last, period - inside, inside)
