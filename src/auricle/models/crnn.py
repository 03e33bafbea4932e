"""Convolutional recurrent network: what sounds, then in which order.

Cakir et al. 2017 (Convolutional recurrent neural networks for polyphonic sound event detection, section III): convolutions that shrink the
bins, then gated recurrent units over the frames. Here the convolutions halve time where `time_pools` says, and the recurrence runs
both ways by default, so the whole clip must be there: not streamable. With `bidirectional = false` nothing looks ahead, neither
recurrence nor convolutions, and it streams exactly.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.time_conv2d import Through, TimeConv2d
from auricle.layers.turned import turned
from auricle.types import State


class Crnn(nn.Module):
    """Convolutions, then recurrence.

    Args:
        bins: bins of the feature.
        channels: of each convolution.
        bin_pools: by how much each convolution's bins are pooled.
        time_pools: by how much its frames are.
        hidden: units of the recurrence in each direction.
        layers: recurrent layers.
        bidirectional: whether the recurrence runs both ways, and convolutions see both sides; otherwise it streams.
        dropout: probability of dropping a feature while training.
    """

    def __init__(
        self,
        bins: int,
        *,
        channels: tuple[int, ...] = (32, 64, 96, 96),
        bin_pools: tuple[int, ...] = (2, 2, 2, 2),
        time_pools: tuple[int, ...] = (2, 2, 1, 1),
        hidden: int = 96,
        layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if not len(channels) == len(bin_pools) == len(time_pools):
            raise RequestError(
                f"model.channels, bin_pools and time_pools name {len(channels)}, {len(bin_pools)} and {len(time_pools)} layers; "
                "wanted as many of each"
            )
        self.bins = bins
        self.hidden = hidden
        self.streamable = not bidirectional
        self.convolutions = nn.ModuleList()
        self.norms = nn.ModuleList()
        self.pools = list(zip(bin_pools, time_pools, strict=True))
        self.heights: list[int] = []
        inputs, height = 1, bins
        for outputs, (bin_pool, _) in zip(channels, self.pools, strict=True):
            self.convolutions.append(TimeConv2d(inputs, outputs, kernel=(3, 3), causal=not bidirectional))
            self.norms.append(nn.BatchNorm2d(outputs))
            self.heights.append(height)
            inputs, height = outputs, height // bin_pool
        if height < 1:
            raise RequestError(f"model.bin_pools {bin_pools} leave nothing of {bins} bins; wanted a product of at most {bins}")
        self.stride = 1
        for time_pool in time_pools:
            self.stride *= time_pool
        self.dropout = nn.Dropout(dropout)
        ways = 2 if bidirectional else 1
        sizes = [inputs * height] + [hidden * ways] * (layers - 1)
        self.onward = nn.ModuleList(nn.GRU(size, hidden, batch_first=True) for size in sizes)
        self.backward_ = nn.ModuleList(nn.GRU(size, hidden, batch_first=True) for size in sizes if bidirectional)
        self.dim = hidden * ways
        self.lookahead = -1 if bidirectional else 0

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, M = N // stride, and [B] valid steps.
        """

        def through(_: str, convolution: TimeConv2d, x: Tensor) -> Tensor:
            y: Tensor = convolution(x, length)
            return y

        x = feature[:, None]
        for i, (_, time_pool) in enumerate(self.pools):
            x = self._convolved(i, x, through)
            length = torch.div(length, time_pool, rounding_mode="floor")
        sequence = self._sequence(x)
        for layer, onward in enumerate(self.onward):
            ahead, _ = onward(sequence)
            if self.backward_:
                behind, _ = self.backward_[layer](turned(sequence, length))
                ahead = torch.cat([ahead, turned(behind, length)], dim=-1)
            sequence = ahead
        return sequence.transpose(1, 2), length

    def start(self, rows: int) -> State:
        """The state before the first frame: zeros for each convolution and in every unit."""
        state: State = {}
        for i, (convolution, height) in enumerate(zip(self.convolutions, self.heights, strict=True)):
            assert isinstance(convolution, TimeConv2d)
            state[f"{i}.past"] = convolution.start(rows, height)
        zeros = next(iter(self.state_dict().values())).new_zeros(rows, self.hidden)
        return state | {f"{i}.hidden": zeros for i in range(len(self.onward))}

    def step(self, feature: Tensor, state: State) -> tuple[Tensor, State]:
        """The next frames of a stream.

        Args:
            feature: [B, F, N] frames, N a multiple of the stride.
            state: what `start` or the last `step` gave.

        Returns:
            [B, D, N // stride] hidden, and the next state.
        """
        after: State = {}

        def through(name: str, convolution: TimeConv2d, x: Tensor) -> Tensor:
            y, after[name] = convolution.step(x, state[name])
            return y

        x = feature[:, None]
        for i in range(len(self.pools)):
            x = self._convolved(i, x, through)
        sequence = self._sequence(x)
        for i, layer in enumerate(self.onward):
            sequence, hidden = layer(sequence, state[f"{i}.hidden"][None])
            after[f"{i}.hidden"] = hidden[0]
        return sequence.transpose(1, 2), after

    def _convolved(self, i: int, x: Tensor, through: Through) -> Tensor:
        """One convolution, normalised, rectified, and the mean over whole windows; one that is partly padding is not part of the clip."""
        convolution = self.convolutions[i]
        assert isinstance(convolution, TimeConv2d)
        return nn.functional.avg_pool2d(torch.relu(self.norms[i](through(f"{i}.past", convolution, x))), self.pools[i])

    def _sequence(self, x: Tensor) -> Tensor:
        sequence: Tensor = self.dropout(x.flatten(1, 2).transpose(1, 2))  # [B, M, C*F]
        return sequence
