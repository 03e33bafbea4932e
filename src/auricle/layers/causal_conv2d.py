"""A convolution over frequency and time that never looks ahead, so that a stream equals a whole clip.

Frequency is padded on both sides, time only on the left by kernel - stride frames: output m then depends on inputs up to
m·stride + stride - 1, and N frames give N // stride. The state is the last kernel - stride input frames, zeros before the first.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CausalConv2d(nn.Module):
    """Causal convolution without bias (a normalisation follows).

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: extent in bins and in frames, the first odd.
        stride: step in bins and in frames.
        groups: groups of channels that don't mix.
    """

    def __init__(
        self, inputs: int, outputs: int, *, kernel: tuple[int, int] = (3, 3), stride: tuple[int, int] = (1, 1), groups: int = 1
    ) -> None:
        super().__init__()
        self.context = kernel[1] - stride[1]
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel[0] // 2, 0), groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The whole clip.

        Args:
            x: [B, C, F, N] map.

        Returns:
            [B, C', F', N // stride] map.
        """
        out: Tensor = self.conv(nn.functional.pad(x, (self.context, 0)))
        return out

    def start(self, rows: int, bins: int) -> Tensor:
        """[rows, C, bins, context] zeros: nothing was heard yet."""
        return self.conv.weight.new_zeros(rows, self.conv.in_channels, bins, self.context)

    def step(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """The next frames of a stream.

        Args:
            x: [B, C, F, N] map, N a multiple of the stride.
            past: [B, C, F, context] the frames before.

        Returns:
            [B, C', F', N // stride] map, and the new past.
        """
        joined = torch.cat([past, x], dim=-1)
        return self.conv(joined), joined[..., joined.shape[-1] - self.context :]
