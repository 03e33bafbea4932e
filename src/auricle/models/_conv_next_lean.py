"""ConvNeXt for inference alone: the same function of the same weights, with what training needs multiplied out.

Each block's scale goes into its second pointwise layer, the scale and offset of its normalisation into the first, learnt places into a
plain kernel; maps lie channels last throughout, so that nothing is turned between convolution and product.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from auricle.layers.masked import masked
from auricle.layers.perceptron import Perceptron


class Lean(nn.Module):
    """The network in the type of its stem's weights: in bfloat16, all but the bins' normalisation and the last mean.

    Args:
        model: a ConvNext whose spacings are folded.
    """

    streamable = False

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.dim, self.bins, self.stride, self.lookahead = model.dim, model.bins, model.stride, model.lookahead
        self.stem_shape = model.stem_shape
        self.bn0 = model.bn0
        self.downsample_layers = model.downsample_layers
        self.stages = nn.ModuleList(nn.ModuleList(_Block(block) for block in stage) for stage in model.stages)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, the mean over what bins are left, and [B] valid steps.
        """
        kernel, stride, padding = self.stem_shape
        x = self.bn0(feature)[:, None].to(self.downsample_layers[0][0].weight.dtype)
        for i, (downsample, stage) in enumerate(zip(self.downsample_layers, self.stages, strict=True)):
            if i == 0:
                x = masked(x, length)
                length = torch.div(length + 2 * padding - kernel, stride, rounding_mode="floor") + 1
            else:
                length = torch.div(length, 2, rounding_mode="floor")
            x = downsample(x.contiguous(memory_format=torch.channels_last))
            for block in stage.children():
                x = block(x, length)
        return x.float().mean(2), length

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps so many frames make.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps.
        """
        kernel, stride, padding = self.stem_shape
        return torch.div(torch.div(frames + 2 * padding - kernel, stride, rounding_mode="floor") + 1, 8, rounding_mode="floor")


class _Block(nn.Module):
    """Depthwise convolution and the rest, channels last."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.dwconv = block.dwconv
        wide = [p.detach().double() for p in (block.pwconv1.weight, block.pwconv1.bias, block.pwconv2.weight, block.pwconv2.bias)]
        scale, offset, gamma = (p.detach().double() for p in (block.norm.weight, block.norm.bias, block.gamma))
        self.rest: nn.Module = Perceptron(
            (wide[0] * scale).float(),
            (wide[0] @ offset + wide[1]).float(),
            second=(gamma[:, None] * wide[2]).float(),
            second_bias=(gamma * wide[3]).float(),
        )

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        y = self.dwconv(masked(x, length)).movedim(1, -1)
        rows, bins, frames, channels = y.shape
        past = x.movedim(1, -1).reshape(-1, channels)
        out: Tensor = self.rest(past, y.reshape(-1, channels))
        return out.view(rows, bins, frames, channels).movedim(-1, 1)
