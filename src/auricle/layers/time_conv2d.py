"""A convolution over frequency and time that either sees both sides of a frame or never looks ahead.

Both forms have the same weights and give N // stride steps for N frames. "Same" is what most published networks do: zeros on both sides of
the clip, and zeros again wherever a row of a batch is padding. Causal puts all zeros before the clip, so that a stream equals a whole clip:
its state is the last dilation·(kernel - 1) - (stride - 1) input frames, zeros before the first.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from auricle.layers.masked import masked

Through = Callable[[str, "TimeConv2d", Tensor], Tensor]  # runs a named convolution over a whole clip, or over the next part of a stream


class TimeConv2d(nn.Module):
    """Convolution without bias (a normalisation follows).

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: extent in bins and in frames.
        stride: step in bins and in frames.
        dilation: frames between two taps of the kernel.
        groups: groups of channels that don't mix.
        pad_bins: whether zeros are put around the bins, so that none are lost.
        causal: whether the future is left alone.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        dilation: int = 1,
        groups: int = 1,
        pad_bins: bool = True,
        causal: bool = False,
    ) -> None:
        super().__init__()
        span = dilation * (kernel[1] - 1)
        self.stride = stride[1]
        self.context = span - (self.stride - 1)
        # As a padding of span // 2 on both sides, less what a last partial step would need.
        self.lookahead = 0 if causal else self.context - span // 2
        self.conv = nn.Conv2d(
            inputs,
            outputs,
            kernel,
            stride,
            padding=(kernel[0] // 2 if pad_bins else 0, 0),
            dilation=(1, dilation),
            groups=groups,
            bias=False,
        )

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """The whole clip.

        Args:
            x: [B, C, F, N] map.
            length: [B] valid frames.

        Returns:
            [B, C', F', N // stride] map.
        """
        if self.lookahead:
            x = masked(x, length)
        out: Tensor = self.conv(nn.functional.pad(x, (self.context - self.lookahead, self.lookahead)))
        return out

    def start(self, rows: int, bins: int) -> Tensor:
        """[rows, C, bins, context] zeros: nothing was heard yet."""
        return self.conv.weight.new_zeros(rows, self.conv.in_channels, bins, self.context)

    def step(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """The next frames of a stream; only of the causal form.

        Args:
            x: [B, C, F, N] map, N a multiple of the stride.
            past: [B, C, F, context] the frames before.

        Returns:
            [B, C', F', N // stride] map, and the new past.
        """
        joined = torch.cat([past, x], dim=-1)
        return self.conv(joined), joined[..., joined.shape[-1] - self.context :]
