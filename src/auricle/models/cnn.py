"""Small causal residual network, the default for any clip task.

Residual blocks as He et al. 2016 (section 3.3, basic block), over bins and frames, with every convolution causal in time: a stream gives
exactly what a whole clip gives, and padding after a clip cannot reach it. Frequency is halved at each stage, time at the first two that
`time_strides` names. House design, no published reference; measured by the shipped recipes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.causal_conv2d import CausalConv2d
from auricle.types import State


class Cnn(nn.Module):
    """Causal residual network.

    Args:
        bins: bins of the feature.
        width: channels of the first stage; each stage doubles them.
        blocks: residual blocks of each stage.
        time_strides: step in frames of each stage.
        dim: features of the hidden sequence.
        dropout: probability of dropping a hidden feature while training.
    """

    streamable = True
    lookahead = 0

    def __init__(
        self,
        bins: int,
        *,
        width: int = 16,
        blocks: tuple[int, ...] = (1, 2, 2, 1),
        time_strides: tuple[int, ...] = (2, 2, 1, 1),
        dim: int = 128,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if len(blocks) != len(time_strides) or not blocks:
            raise RequestError(
                f"model.blocks names {len(blocks)} stages and model.time_strides {len(time_strides)}; wanted as many of both"
            )
        self.bins = bins
        self.dim = dim
        self.stride = 1
        layers: list[_Block] = []
        channels, height = 1, bins
        for stage, (count, time_stride) in enumerate(zip(blocks, time_strides, strict=True)):
            for block in range(count):
                stride = (2, time_stride) if block == 0 else (1, 1)
                layers.append(_Block(channels, width << stage, height=height, stride=stride))
                channels, height = width << stage, -(-height // stride[0])
            self.stride *= time_stride
        self.blocks = nn.ModuleList(layers)
        self.collapse = nn.Conv2d(channels, dim, (height, 1), bias=False)
        self.norm = nn.BatchNorm1d(dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, M = N // stride, and [B] valid steps.
        """
        x = feature[:, None].contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            x = block(x)
        return self._hidden(x), torch.div(length, self.stride, rounding_mode="floor")

    def start(self, rows: int) -> State:
        """The state before the first frame: zeros for each convolution."""
        state: State = {}
        for i, block in enumerate(self.blocks):
            assert isinstance(block, _Block)
            state |= {f"{i}.{name}": value for name, value in block.start(rows).items()}
        return state

    def step(self, feature: Tensor, state: State) -> tuple[Tensor, State]:
        """The next frames of a stream.

        Args:
            feature: [B, F, N] frames, N a multiple of the stride.
            state: what `start` or the last `step` gave.

        Returns:
            [B, D, N // stride] hidden, and the next state.
        """
        x = feature[:, None]
        after: State = {}
        for i, block in enumerate(self.blocks):
            assert isinstance(block, _Block)
            x, first, second = block.step(x, state[f"{i}.first"], state[f"{i}.second"])
            after |= {f"{i}.first": first, f"{i}.second": second}
        return self._hidden(x), after

    def _hidden(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.dropout(torch.relu(self.norm(self.collapse(x).squeeze(2))))
        return hidden


class _Block(nn.Module):
    """conv-BN-ReLU-conv-BN beside a shortcut, ReLU after the sum."""

    def __init__(self, inputs: int, outputs: int, *, height: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.heights = (height, -(-height // stride[0]))
        self.first = CausalConv2d(inputs, outputs, kernel=(3, 3), stride=stride)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = CausalConv2d(outputs, outputs)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != (1, 1) or inputs != outputs:
            # Ceil in bins as the convolution's padding gives, floor in frames as causality asks.
            self.shortcut = nn.Sequential(
                nn.ZeroPad2d((0, 0, 0, height % stride[0])),
                nn.AvgPool2d(stride),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(y)) + self.shortcut(x))

    def start(self, rows: int) -> State:
        return {"first": self.first.start(rows, self.heights[0]), "second": self.second.start(rows, self.heights[1])}

    def step(self, x: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, first = self.first.step(x, first)
        y, second = self.second.step(torch.relu(self.first_norm(y)), second)
        return torch.relu(self.second_norm(y) + self.shortcut(x)), first, second
