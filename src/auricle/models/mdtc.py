"""MDTC: dilated depthwise convolutions over time, heard at several depths at once; keywords on small machines.

Hou et al. 2021 (The NPU system for the 2020 Personalized Voice Trigger Challenge, multi-scale depthwise temporal convolution), as WeKws
has it: residual blocks whose dilation doubles up to the end of a stack, and the sum of what all stacks give. The flavour `keywords` on
80 bins is its model for Speech Commands, which looks ahead: 161 K parameters with the 12 classes' two linear layers, of which 3.3 K are
biases that the normalisation behind them undoes and that are left out here; 97.89 % on Speech Commands (version 1). `small` is its
model for wake words. By default it is causal, so that it streams exactly; with `causal = false` it looks ahead and does not stream. Every
convolution is preceded by zeros, where WeKws puts zeros before the feature alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.time_conv2d import Through, TimeConv2d
from auricle.types import State


class Mdtc(nn.Module):
    """Stacks of dilated residual blocks over time.

    Args:
        bins: bins of the feature.
        width: channels of every layer.
        stacks: how many are summed.
        blocks: of a stack; their dilations are 1, 2, 4 and so on.
        kernel: frames that a block spans, dilation aside; odd.
        dropout: probability of dropping a feature at the end while training.
        causal: whether it never looks ahead, and so streams.
    """

    stride = 1

    def __init__(
        self,
        bins: int,
        *,
        width: int = 64,
        stacks: int = 4,
        blocks: int = 4,
        kernel: int = 5,
        dropout: float = 0.0,
        causal: bool = True,
    ) -> None:
        super().__init__()
        if min(width, stacks, blocks) < 1 or kernel % 2 == 0:
            raise RequestError(
                f"model.width is {width}, stacks {stacks}, blocks {blocks} and kernel {kernel}; wanted at least 1 of each and an odd kernel"
            )
        self.bins = bins
        self.dim = width
        self.streamable = causal
        self.stem = _Block(bins, width, kernel=kernel, dilation=1, causal=causal)
        self.stacks = nn.ModuleList(
            nn.ModuleList(_Block(width, width, kernel=kernel, dilation=1 << i, causal=causal) for i in range(blocks)) for _ in range(stacks)
        )
        self.lookahead = sum(block.depthwise.lookahead for block in self._blocks().values())
        self.dropout = nn.Dropout(dropout)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, N] hidden, and [B] valid steps.
        """

        def through(_: str, convolution: TimeConv2d, x: Tensor) -> Tensor:
            y: Tensor = convolution(x, length)
            return y

        return self._hidden(feature, through), length

    def start(self, rows: int) -> State:
        """The state before the first frame: zeros for each convolution over time."""
        return {name: block.depthwise.start(rows, 1) for name, block in self._blocks().items()}

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
        x = feature[:, :, None]
        heard: list[Tensor] = []
        for name, block in self._blocks().items():
            x = block(x, name, through)
            if name.endswith(".last"):
                heard.append(x)
        hidden: Tensor = self.dropout(torch.stack(heard).sum(0))
        return hidden.squeeze(2)

    def _blocks(self) -> dict[str, _Block]:
        """Every block by its name in the state, in order; the last of each stack says so."""
        named = {"stem": self.stem}
        for i, stack in enumerate(self.stacks):
            layers = [block for block in stack.children() if isinstance(block, _Block)]
            for j, block in enumerate(layers):
                named[f"{i}.{'last' if j == len(layers) - 1 else j}"] = block
        return named


class _Block(nn.Module):
    """Depthwise over time, then two pointwise convolutions, beside the identity where the channels are as many."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, dilation: int, causal: bool) -> None:
        super().__init__()
        self.depthwise = TimeConv2d(inputs, inputs, kernel=(1, kernel), dilation=dilation, groups=inputs, causal=causal)
        self.depthwise_norm = nn.BatchNorm2d(inputs)
        self.first = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.residual = inputs == outputs

    def forward(self, x: Tensor, name: str, through: Through) -> Tensor:
        y = torch.relu(self.first_norm(self.first(self.depthwise_norm(through(name, self.depthwise, x)))))
        y = self.second_norm(self.second(y))
        return torch.relu(x + y if self.residual else y)
