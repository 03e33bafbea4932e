"""ResNet38 of PANNs: basic residual blocks over the log-mel spectrogram, the most accurate of its spectrogram networks.

He et al. 2016 as Kong et al. 2020 (PANNs, section III-B) have it for sound: strides are means over windows before the first convolution
of a stage, and a block of two convolutions stands before and behind the residual stages. With 64 bins, the head `max_mean_pool` of 2048
hidden units and 527 classes it is the published network, whose weights `_panns.convert` renames. Its convolutions look ahead, so it does
not stream. Where fewer than 32 bins come in, the last means leave the bins alone.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from auricle.layers.masked import masked
from auricle.models._panns import Block, Tagger, halvings, pooled, scaled

_STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # channels, blocks; all but the first halve bins and time
_LAST = 2048


class ResNet38(Tagger):
    """Sixteen residual blocks between two plain ones.

    Args:
        bins: bins of the feature; 64 as published.
        width: channels in units of the published.
        dropout: probability of dropping a value behind each part while training; in the residual blocks, half of it.
        from_shortcuts: whether training begins with residual blocks that pass their input on unchanged, as published.
    """

    # Beginning from shortcuts, no gradient reaches the blocks' first convolutions in the first step.
    small: ClassVar[dict[str, object]] = {"width": 0.0625, "from_shortcuts": False}

    def __init__(self, bins: int, *, width: float = 1.0, dropout: float = 0.2, from_shortcuts: bool = True) -> None:
        pools = [(height, 2) for height in halvings(bins, 5)]
        channels = scaled([count for count, _ in _STAGES], width)
        (last,) = scaled((_LAST,), width)
        blocks = {
            "conv_block1": Block(1, channels[0], pool=pools[0]),
            "resnet": _Stages(channels, pools=pools[1:], dropout=dropout / 2),
            "conv_block_after1": Block(channels[-1], last, pool=(1, 1)),
        }
        super().__init__(bins, blocks=blocks, dim=last, dropout=dropout)
        for block in self.modules():
            if from_shortcuts and isinstance(block, _Basic):
                nn.init.zeros_(block.bn2.weight)


class _Stages(nn.Module):
    """The residual stages and the mean behind them."""

    def __init__(self, channels: tuple[int, ...], *, pools: list[tuple[int, int]], dropout: float) -> None:
        super().__init__()
        self.last_pool = pools[3]
        self.stride, self.lookahead = 1, 0
        inputs = channels[0]
        for stage, (outputs, (_, count)) in enumerate(zip(channels, _STAGES, strict=True)):
            layer = nn.ModuleList()
            for block in range(count):
                pool = pools[stage - 1] if stage and block == 0 else (1, 1)
                layer.append(_Basic(inputs, outputs, pool=pool, dropout=dropout))
                self.stride *= pool[1]
                self.lookahead += 2 * self.stride  # both convolutions stand behind the pool
                inputs = outputs
            self.add_module(f"layer{stage + 1}", layer)
        self.stride *= self.last_pool[1]

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        for layer in self.children():
            for block in layer.children():
                x, length = block(x, length)
        return pooled(x, length, self.last_pool)


class _Basic(nn.Module):
    """Mean over windows, conv-BN-ReLU-conv-BN beside a shortcut, ReLU after the sum."""

    def __init__(self, inputs: int, outputs: int, *, pool: tuple[int, int], dropout: float) -> None:
        super().__init__()
        self.pool = pool
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential()
        if pool != (1, 1) or inputs != outputs:
            mean = [nn.Identity()] if pool != (1, 1) else []  # holds the place of the published mean, which is shared with the main path
            self.downsample = nn.Sequential(*mean, nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        x, length = pooled(x, length, self.pool)
        y = self.dropout(torch.relu(self.bn1(self.conv1(masked(x, length)))))
        y = self.bn2(self.conv2(masked(y, length)))
        return torch.relu(y + self.downsample(x)), length
