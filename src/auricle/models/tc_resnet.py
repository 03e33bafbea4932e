"""TC-ResNet: bins as channels, convolutions over time alone; keywords on small machines.

Choi et al. 2019 (Temporal convolution for real-time keyword spotting on mobile devices, section 2 and table 1): `blocks = [1, 1, 1]` is
TC-ResNet8 and `[2, 2, 2]` TC-ResNet14, `width` the multiplier k, on 40 bins; mean and classifier are the head `mean_pool`. Here it is
causal, so that it streams exactly; with `causal = false` it looks ahead as published and does not stream. Steps are N // 8: a last
partial step, which the paper's padding would complete with zeros, is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.time_conv2d import Through, TimeConv2d
from auricle.types import State

_CHANNELS = (24, 32, 48)


class TcResNet(nn.Module):
    """Residual network over time.

    Args:
        bins: bins of the feature.
        width: channels in units of the paper's.
        blocks: residual blocks of each of the three stages, which halve time.
        kernel: frames that each convolution of a block spans.
        dropout: probability of dropping a feature at the end while training.
        causal: whether it never looks ahead, and so streams.
    """

    def __init__(
        self,
        bins: int,
        *,
        width: float = 1.0,
        blocks: tuple[int, int, int] = (1, 1, 1),
        kernel: int = 9,
        dropout: float = 0.5,
        causal: bool = True,
    ) -> None:
        super().__init__()
        channels = [round(width * count) for count in (16, *_CHANNELS)]
        if min(channels) < 1 or min(blocks) < 1:
            raise RequestError(f"model.width is {width} and blocks are {list(blocks)}; wanted a channel and a block in every stage")
        self.bins = bins
        self.dim = channels[-1]
        self.streamable = causal
        self.stem = TimeConv2d(bins, channels[0], kernel=(1, 3), causal=causal)
        self.stem_norm = nn.BatchNorm2d(channels[0])
        self.stride, self.lookahead = 1, self.stem.lookahead
        layers: list[_Block] = []
        inputs = channels[0]
        for outputs, count in zip(channels[1:], blocks, strict=True):
            for block in range(count):
                layers.append(_Block(inputs, outputs, kernel=kernel, stride=2 if block == 0 else 1, causal=causal))
                self.lookahead += self.stride * layers[-1].first.lookahead
                self.stride *= layers[-1].stride
                self.lookahead += self.stride * layers[-1].second.lookahead
                inputs = outputs
        self.blocks = nn.ModuleList(layers)
        self.dropout = nn.Dropout(dropout)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, M = N // stride, and [B] valid steps.
        """

        def through(_: str, convolution: TimeConv2d, x: Tensor) -> Tensor:
            nonlocal length
            y: Tensor = convolution(x, length)
            length = torch.div(length, convolution.stride, rounding_mode="floor")
            return y

        return self._hidden(feature, through), length

    def start(self, rows: int) -> State:
        """The state before the first frame: zeros for each convolution."""
        state: State = {"stem": self.stem.start(rows, 1)}
        for i, block in enumerate(self._blocks()):
            state |= {f"{i}.first": block.first.start(rows, 1), f"{i}.second": block.second.start(rows, 1)}
        return state

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

        return self._hidden(feature, through), after

    def _hidden(self, feature: Tensor, through: Through) -> Tensor:
        x = torch.relu(self.stem_norm(through("stem", self.stem, feature[:, :, None])))
        for i, block in enumerate(self._blocks()):
            x = block(x, str(i), through)
        hidden: Tensor = self.dropout(x)
        return hidden.squeeze(2)

    def _blocks(self) -> list[_Block]:
        return [block for block in self.blocks if isinstance(block, _Block)]


class _Block(nn.Module):
    """conv-BN-ReLU-conv-BN beside a shortcut, ReLU after the sum (figure 2)."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, causal: bool) -> None:
        super().__init__()
        self.stride = stride
        self.first = TimeConv2d(inputs, outputs, kernel=(1, kernel), stride=(1, stride), causal=causal)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = TimeConv2d(outputs, outputs, kernel=(1, kernel), causal=causal)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, (1, stride), bias=False), nn.BatchNorm2d(outputs), nn.ReLU())

    def forward(self, x: Tensor, name: str, through: Through) -> Tensor:
        y = torch.relu(self.first_norm(through(f"{name}.first", self.first, x)))
        y = self.second_norm(through(f"{name}.second", self.second, y))
        return torch.relu(y + self.shortcut(x)[..., : y.shape[-1]])
