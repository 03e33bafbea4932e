"""Deltas: another front end's frames with their slopes over time beside them, by the regression of HTK and Kaldi.

d[n] = Σ_j j·(c[n+j] - c[n-j]) / (2 Σ_j j²), j = 1 … reach (The HTK Book, 5.9); the second order is the slope of the slopes. Frames need
their neighbours: with `edges = "valid"` a frame's samples are those of its neighbours too, so that it streams with that much more delay;
with `edges = "repeat"` the clip's first and last frames stand for those beyond them (Kaldi's add-deltas), which doesn't stream.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.functional import conv1d

from auricle import catalog
from auricle.errors import RequestError
from auricle.frontends._feature import Feature
from auricle.types import Spec


class Deltas(Feature):
    """A feature and its slopes.

    Args:
        sample_rate: samples a second of the wave.
        of: the front end whose slopes are taken.
        settings: its settings; it normalises nothing itself.
        orders: 1 adds slopes, 2 their slopes too.
        reach: frames to each side that a slope is fitted over.
        edges: "valid" leaves out frames without all neighbours, and streams; "repeat" repeats the first and the last frame.
        normalise: "statistics" of the training set, "fixed" by centre and spread, "clip_mean", "clip_peak", "clip_range" ([-1, 1] a clip)
            or "none".
        centre: what "fixed" subtracts.
        spread: what "fixed" divides by.
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        of: Literal["log_mel", "mfcc", "filter_bank", "spectrogram"] = "mfcc",
        settings: dict[str, int | float | bool | str] | None = None,
        orders: int = 2,
        reach: int = 2,
        edges: Literal["valid", "repeat"] = "valid",
        normalise: Literal["statistics", "fixed", "clip_mean", "clip_peak", "clip_range", "none"] = "statistics",
        centre: float = 0.0,
        spread: float = 1.0,
    ) -> None:
        given = dict(settings or {})
        if "normalise" in given:
            raise RequestError("deltas normalises frames and slopes together; set frontend.normalise instead of settings.normalise")
        if not 1 <= orders <= 3 or reach < 1:
            raise RequestError(f"deltas of {orders} orders over {reach} frames can't be taken; wanted 1 to 3 orders and at least 1 frame")
        base: Any = catalog.make("frontends", Spec(of, {**given, "normalise": "none"}), sample_rate)
        margin = orders * reach
        wider = replace(base.framing, win=base.win + 2 * margin * base.hop) if edges == "valid" else base.framing
        super().__init__(bins=base.bins * (1 + orders), framing=wider, normalise=normalise, centre=centre, spread=spread)
        self.sample_rate = sample_rate
        self.base = base
        self.edges = edges
        self.taps = _taps(orders, reach)

    @property
    def obstacle(self) -> str:
        """What keeps it from streaming, named by the setting; "" where nothing does."""
        if self.edges == "repeat":
            return "edges = 'repeat' needs to know which frame is the last"
        inner: str = self.base.obstacle
        return inner or super().obstacle

    def frames(self, length: Tensor) -> Tensor:
        """Frames of so many samples.

        Args:
            length: [B] samples.

        Returns:
            [B] frames.
        """
        inner: Tensor = self.base.frames(length)
        return inner if self.edges == "repeat" else (inner - (len(self.taps[-1]) - 1)).clamp(min=0)

    def describe(self, wave: Tensor, length: Tensor) -> Tensor:
        """Frames and slopes before they are normalised.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] the feature, its slopes, their slopes.
        """
        value: Tensor = self.base.describe(wave, length)
        margin = len(self.taps[-1]) // 2
        if self.edges == "repeat":
            last = (self.base.frames(length) - 1).clamp(min=0)[:, None]
            at = torch.arange(-margin, value.shape[2] + margin, device=value.device)
            at = torch.minimum(at.clamp(min=0)[None], last.to(value.device))
            value = value.gather(2, at[:, None].expand(-1, value.shape[1], -1))
        count = value.shape[2] - 2 * margin
        if torch.compiler.is_exporting():
            return self._by_convolution(value)
        slopes = [_slope(value, taps, margin, count) for taps in self.taps]
        return torch.cat(slopes, dim=1)

    def _by_convolution(self, value: Tensor) -> Tensor:
        """The same as one operator, for the exported graph."""
        rows, bins, count = value.shape
        longest = len(self.taps[-1])
        padded = [[0.0] * ((longest - len(t)) // 2) + t + [0.0] * ((longest - len(t)) // 2) for t in self.taps]
        made = conv1d(value.reshape(rows * bins, 1, count), value.new_tensor(padded)[:, None])  # [B·F, orders, N]
        return made.reshape(rows, bins, len(padded), -1).transpose(1, 2).flatten(1, 2)


def _taps(orders: int, reach: int) -> list[list[float]]:
    """Weights of each order, the feature itself first."""
    norm = 2 * sum(j * j for j in range(1, reach + 1))
    taps = [[1.0]]
    for _ in range(orders):
        longer = [0.0] * (len(taps[-1]) + 2 * reach)
        for i, weight in enumerate(taps[-1]):
            for j in range(-reach, reach + 1):
                longer[i + reach + j] += weight * j / norm
        taps.append(longer)
    return taps


def _slope(value: Tensor, taps: list[float], margin: int, count: int) -> Tensor:
    """The weighted sum of neighbouring frames, added up in one order whatever the batch."""
    first = margin - len(taps) // 2
    parts = [weight * value[:, :, first + i : first + i + count] for i, weight in enumerate(taps) if weight]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
