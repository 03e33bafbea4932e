"""BC-ResNet: keywords and scenes from few weights, by broadcasting what happens over time back over the bins.

Kim et al. 2021 (Broadcasted residual learning for efficient keyword spotting, section 2 and table 1). `width` is the paper's τ: 1, 1.5, 2,
3, 6 and 8 are its BC-ResNet-1 to -8, on 40 bins; its final pooling and classifier are the head `mean_pool`. With another number of bins the
last convolution spans whatever bins are left. As published it looks 58 frames ahead and does not stream; `causal = true` moves every zero
of the padding before the clip, keeps the weights' shapes, and streams exactly. The paper's BC-ResNet-8 reaches
98.0 % on Speech Commands (version 1, 12 classes).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.sub_spectral_norm import SubSpectralNorm
from auricle.layers.time_conv2d import Through, TimeConv2d
from auricle.types import State

_STAGES = ((1.0, 2, 1), (1.5, 2, 2), (2.0, 4, 2), (2.5, 4, 1))  # channels in units of the base, blocks, stride in bins


class BcResNet(nn.Module):
    """Broadcasted residual network.

    Args:
        bins: bins of the feature.
        width: channels in units of BC-ResNet-1's.
        bands: sub-bands that are normalised by themselves.
        dropout: probability of dropping a channel while training.
        causal: whether it never looks ahead, and so streams.
    """

    stride = 1

    def __init__(self, bins: int, *, width: float = 1.0, bands: int = 5, dropout: float = 0.1, causal: bool = False) -> None:
        super().__init__()
        base = round(8 * width)
        if base < 1:
            raise RequestError(f"model.width is {width}; wanted at least 0.125, which is one channel")
        self.bins = bins
        self.dim = 4 * base
        self.streamable = causal
        self.stem = TimeConv2d(1, 2 * base, kernel=(5, 5), stride=(2, 1), causal=causal)
        self.stem_norm = nn.BatchNorm2d(2 * base)
        blocks: list[_Block] = []
        channels, height = 2 * base, -(-bins // 2)
        for stage, (factor, count, stride) in enumerate(_STAGES):
            outputs = int(factor * base)
            for block in range(count):
                height = -(-height // stride) if block == 0 else height
                step = stride if block == 0 else 1
                norm = SubSpectralNorm(outputs, bins=height, bands=bands)
                blocks.append(_Block(channels, outputs, norm=norm, stride=step, dilation=1 << stage, dropout=dropout, causal=causal))
                channels = outputs
        self.blocks = nn.ModuleList(blocks)
        self.collapse = TimeConv2d(channels, channels, kernel=(height, 5), groups=channels, pad_bins=False, causal=causal)
        self.height = height
        self.widen = nn.Conv2d(channels, self.dim, 1, bias=False)
        self.norm = nn.BatchNorm2d(self.dim)
        self.lookahead = self.stem.lookahead + self.collapse.lookahead + sum(block.along.lookahead for block in blocks)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, N] hidden, and [B] valid steps.
        """
        return self._hidden(feature, lambda _, convolution, x: convolution(x, length)), length

    def start(self, rows: int) -> State:
        """The state before the first frame: zeros for each convolution over time."""
        state: State = {"stem": self.stem.start(rows, self.bins), "collapse": self.collapse.start(rows, self.height)}
        return state | {str(i): block.along.start(rows, 1) for i, block in enumerate(self._blocks())}

    def step(self, feature: Tensor, state: State) -> tuple[Tensor, State]:
        """The next frames of a stream.

        Args:
            feature: [B, F, N] frames.
            state: what `start` or the last `step` gave.

        Returns:
            [B, D, N] hidden, and the next state.
        """
        after: State = {}

        def through(name: str, convolution: TimeConv2d, x: Tensor) -> Tensor:
            y, after[name] = convolution.step(x, state[name])
            return y

        return self._hidden(feature, through), after

    def _hidden(self, feature: Tensor, through: Through) -> Tensor:
        x = torch.relu(self.stem_norm(through("stem", self.stem, feature[:, None])))
        for i, block in enumerate(self._blocks()):
            x = block(x, str(i), through)
        hidden: Tensor = torch.relu(self.norm(self.widen(through("collapse", self.collapse, x))))
        return hidden.squeeze(2)

    def _blocks(self) -> list[_Block]:
        return [block for block in self.blocks if isinstance(block, _Block)]


class _Block(nn.Module):
    """Over the bins, then over time on the mean of the bins, which is added back to every bin."""

    def __init__(
        self, inputs: int, outputs: int, *, norm: SubSpectralNorm, stride: int, dilation: int, dropout: float, causal: bool
    ) -> None:
        super().__init__()
        self.transition = nn.Sequential()
        if inputs != outputs:
            self.transition = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())
        self.across = nn.Conv2d(outputs, outputs, (3, 1), (stride, 1), (1, 0), groups=outputs, bias=False)
        self.across_norm = norm
        self.along = TimeConv2d(outputs, outputs, kernel=(1, 3), dilation=dilation, groups=outputs, causal=causal)
        self.along_norm = nn.BatchNorm2d(outputs)
        self.mix = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.dropout = nn.Dropout2d(dropout)
        self.shortcut = inputs == outputs

    def forward(self, x: Tensor, name: str, through: Through) -> Tensor:
        banded = self.across_norm(self.across(self.transition(x)))
        broad = through(name, self.along, banded.mean(2, keepdim=True))
        y = banded + self.dropout(self.mix(nn.functional.silu(self.along_norm(broad))))
        return torch.relu(y + x if self.shortcut else y)
