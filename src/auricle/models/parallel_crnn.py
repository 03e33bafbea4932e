"""Frequency bands heard apart, then together: a convolutional network a band, a recurrence both ways over all, attention over time.

House design, no published reference; the published network of two branches is `two_branch`. What is low, middling and high differs in what
to listen for, so each band (`edges_hz`) has convolutions of its own, as the sub-bands of SubSpectralNet have (Phaye et al., 2019). What the
bands give is joined, a bidirectional LSTM follows it in time (Schuster and Paliwal, 1997), and each step is weighed by its share of
attention (Bahdanau et al., 2015), so that the mean of the steps, which the head `mean_pool` takes, is the attention's. The whole clip must
be there, so it does not stream.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.both_ways import BothWays
from auricle.layers.masked import masked
from auricle.layers.shares import shares


class ParallelCrnn(nn.Module):
    """A convolutional network a band, recurrence, attention.

    Args:
        bins: bins of the feature.
        edges_hz: frequencies between one band and the next, rising; a front end that knows no frequencies wants none, and `bands`.
        bands: where no edges are given, how many bands of equally many bins.
        channels: of each convolution of a band.
        bin_pools: by how much each convolution's bins are pooled, while there are as many.
        time_pools: by how much its frames are.
        hidden: units of the recurrence in each direction.
        attention: whether steps are weighed.
        dropout: probability of dropping a feature while training.
    """

    streamable = False
    lookahead = -1

    def __init__(
        self,
        bins: int,
        *,
        edges_hz: tuple[float, ...] = (500.0, 2000.0),
        bands: int = 3,
        channels: tuple[int, ...] = (16, 32, 64),
        bin_pools: tuple[int, ...] = (2, 2, 2),
        time_pools: tuple[int, ...] = (2, 2, 1),
        hidden: int = 96,
        attention: bool = True,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if not len(channels) == len(bin_pools) == len(time_pools):
            raise RequestError(
                f"model.channels, bin_pools and time_pools name {len(channels)}, {len(bin_pools)} and {len(time_pools)} layers; "
                "wanted as many of each"
            )
        if any(low >= high for low, high in zip((0.0, *edges_hz), edges_hz, strict=False)):
            raise RequestError(f"model.edges_hz is {list(edges_hz)}; wanted frequencies above 0 that rise")
        count = len(edges_hz) + 1 if edges_hz else bands
        if not 1 <= count <= bins:
            raise RequestError(f"{bins} bins make no {count} bands; wanted a bin in each")
        self.bins = bins
        self.dim = 2 * hidden
        self.edges_hz = edges_hz
        self.bounds = tuple(bins * band // count for band in range(count + 1))  # until `place` knows better
        self.stride = math.prod(time_pools)
        pools = list(zip(bin_pools, time_pools, strict=True))
        self.bands = nn.ModuleList(_Band(channels, pools=pools) for _ in range(count))
        self.dropout = nn.Dropout(dropout)
        self.recurrence = BothWays(count * channels[-1], hidden)
        self.score = nn.Linear(self.dim, 1, bias=False) if attention else None

    def place(self, bins_hz: tuple[float, ...]) -> None:
        """Cut the bands at their frequencies: what the pipe tells a model that asks, once, when it is built.

        Args:
            bins_hz: frequency of each bin, Hz, rising; () where the front end's bins are no frequencies.

        Raises:
            RequestError: there are edges but no frequencies, or a band without a bin.
        """
        if not self.edges_hz:
            return
        edges = ", ".join(f"{edge:g}" for edge in self.edges_hz)
        if len(bins_hz) != self.bins:
            raise RequestError(
                f"model.edges_hz is [{edges}], but the bins of this front end are no frequencies",
                hint="model.edges_hz = [] cuts them into model.bands parts",
            )
        bounds = (0, *(sum(hertz < edge for hertz in bins_hz) for edge in self.edges_hz), self.bins)
        if any(low >= high for low, high in pairwise(bounds)):
            raise RequestError(
                f"model.edges_hz is [{edges}], which leaves a band without a bin: the front end's {self.bins} bins lie between "
                f"{bins_hz[0]:.0f} and {bins_hz[-1]:.0f} Hz"
            )
        self.bounds = bounds

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, M = N // stride, and [B] valid steps.
        """
        heard = [
            band(feature[:, None, low:high], length) for band, low, high in zip(self.bands, self.bounds, self.bounds[1:], strict=False)
        ]
        steps = torch.div(length, self.stride, rounding_mode="floor")
        sequence = self.recurrence(self.dropout(torch.cat(heard, dim=1).transpose(1, 2)), steps)  # [B, M, D]
        if self.score is not None:
            share = shares(self.score(torch.tanh(sequence)).squeeze(-1), steps)
            sequence = sequence * (share * steps.clamp(min=1)[:, None])[..., None]
        return sequence.transpose(1, 2), steps


class _Band(nn.Module):
    """Convolutions over one band; the mean over what bins they leave."""

    def __init__(self, channels: tuple[int, ...], *, pools: list[tuple[int, int]]) -> None:
        super().__init__()
        self.pools = pools
        self.convolutions = nn.ModuleList(
            nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
            for inputs, outputs in zip((1, *channels), channels, strict=False)
        )

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        for convolution, (bin_pool, time_pool) in zip(self.convolutions, self.pools, strict=True):
            # The mean over whole windows only; a window that is partly padding is not part of the clip.
            x = nn.functional.avg_pool2d(convolution(masked(x, length)), (min(bin_pool, x.shape[2]), time_pool))
            length = torch.div(length, time_pool, rounding_mode="floor")
        return x.mean(2)
