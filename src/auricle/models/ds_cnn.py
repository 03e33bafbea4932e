"""DS-CNN: one convolution, then depthwise separable ones; keywords on microcontrollers.

Zhang et al. 2017 (Hello Edge: keyword spotting on microcontrollers, section 4.6; layers of each size as in the authors' code). On 10 bins,
49 frames of 40 ms every 20 ms, and 12 classes by the head `mean_pool`, each a `flavour`:

- small has the defaults: 22,604 numbers, 94.4 % on Speech Commands (version 1, 12 classes);
- medium `channels = 172, first_stride = [1, 2], second_stride = [2, 2]`: 135,032, 94.9 %;
- large these, `channels = 276` and `blocks = 5`: 410,700, 95.4 %.

Those are numbers as deployed, each normalisation folded into the convolution before it. Here it is causal, so that it streams exactly; with
`causal = false` zeros stand on both sides, as published, and it does not stream. Steps are whole: a last partial one, which the paper's
padding would complete with zeros, is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.time_conv2d import Through, TimeConv2d
from auricle.types import State


class DsCnn(nn.Module):
    """Depthwise separable convolutions over bins and time.

    Args:
        bins: bins of the feature; 10 as published.
        channels: of every layer.
        blocks: depthwise separable layers.
        kernel: bins and frames that the first layer spans.
        first_stride: its step in bins and frames.
        second_stride: the same of the first separable layer.
        dropout: probability of dropping a feature at the end while training.
        causal: whether it never looks ahead, and so streams.
    """

    def __init__(
        self,
        bins: int,
        *,
        channels: int = 64,
        blocks: int = 4,
        kernel: tuple[int, int] = (4, 10),
        first_stride: tuple[int, int] = (2, 2),
        second_stride: tuple[int, int] = (1, 1),
        dropout: float = 0.0,
        causal: bool = True,
    ) -> None:
        super().__init__()
        if channels < 1 or blocks < 1:
            raise RequestError(f"model.channels is {channels} and model.blocks {blocks}; wanted at least 1 of both")
        self.bins = bins
        self.dim = channels
        self.streamable = causal
        self.stem = _Same(1, channels, bins=bins, kernel=kernel, stride=first_stride, causal=causal)
        self.stem_norm = nn.BatchNorm2d(channels)
        self.lookahead, self.stride = self.stem.convolution.lookahead, first_stride[1]
        self.blocks = nn.ModuleList()
        height = self.stem.height
        for i in range(blocks):
            stride = second_stride if i == 0 else (1, 1)
            block = _Separable(channels, bins=height, stride=stride, causal=causal)
            self.blocks.append(block)
            self.lookahead += self.stride * block.depthwise.convolution.lookahead
            self.stride *= stride[1]
            height = block.depthwise.height
        self.dropout = nn.Dropout(dropout)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, the mean over the bins, M = N // stride, and [B] valid steps.
        """

        def through(_: str, convolution: TimeConv2d, x: Tensor) -> Tensor:
            nonlocal length
            y: Tensor = convolution(x, length)
            length = torch.div(length, convolution.stride, rounding_mode="floor")
            return y

        return self._hidden(feature, through), length

    def start(self, rows: int) -> State:
        """The state before the first frame: zeros for each convolution over time."""
        layers = {"stem": self.stem} | {str(i): block.depthwise for i, block in enumerate(self._blocks())}
        return {name: layer.convolution.start(rows, layer.padded) for name, layer in layers.items()}

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
        x = torch.relu(self.stem_norm(through("stem", self.stem.convolution, self.stem.framed(feature[:, None]))))
        for i, block in enumerate(self._blocks()):
            x = block(x, str(i), through)
        hidden: Tensor = self.dropout(x.mean(2))
        return hidden

    def _blocks(self) -> list[_Separable]:
        return [block for block in self.blocks if isinstance(block, _Separable)]


class _Same(nn.Module):
    """A convolution whose output has ceil(bins / stride) bins, as the authors' library pads: what is odd goes above."""

    def __init__(
        self, inputs: int, outputs: int, *, bins: int, kernel: tuple[int, int], stride: tuple[int, int], causal: bool, groups: int = 1
    ) -> None:
        super().__init__()
        self.height = -(-bins // stride[0])
        total = max((self.height - 1) * stride[0] + kernel[0] - bins, 0)
        self.below, self.above = total // 2, total - total // 2
        self.padded = bins + total
        self.convolution = TimeConv2d(inputs, outputs, kernel=kernel, stride=stride, groups=groups, pad_bins=False, causal=causal)

    def framed(self, x: Tensor) -> Tensor:
        """The [B, C, F, N] map with zeros around its bins."""
        return nn.functional.pad(x, (0, 0, self.below, self.above))


class _Separable(nn.Module):
    """A convolution of each channel alone, then one across channels; each normalised and rectified."""

    def __init__(self, channels: int, *, bins: int, stride: tuple[int, int], causal: bool) -> None:
        super().__init__()
        self.depthwise = _Same(channels, channels, bins=bins, kernel=(3, 3), stride=stride, causal=causal, groups=channels)
        self.depthwise_norm = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, name: str, through: Through) -> Tensor:
        x = torch.relu(self.depthwise_norm(through(name, self.depthwise.convolution, self.depthwise.framed(x))))
        return torch.relu(self.pointwise_norm(self.pointwise(x)))
