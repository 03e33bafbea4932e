"""Dilated convolution with learnable spacings: few weights, each at a place in a large kernel that is learnt too.

Khalfaoui-Hassani et al. 2023 (Dilated convolution with learnable spacings, section 3; for the Gaussian: Dilated convolution with learnable
spacings: beyond bilinear interpolation, section 2). Each weight is spread over the cells around its place by a product of one profile an
axis, "bilinear" as it is (the published v0), "triangle" (v1), "max" and "gauss" so that the cells' shares sum to 1; then an ordinary
convolution is run. Places are kept apart from weights, for the layers of a stage share them. Axis 0 of a place is bins; in the published
v1, max and gauss it is frames.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auricle.layers.large_kernel import large_kernel

Construction = Literal["bilinear", "triangle", "max", "gauss"]


class Spacings(nn.Module):
    """The places of weights, and how far each spreads; shared by layers of one shape.

    They learn `pace` times as fast as weights do and don't decay (appendix of both papers); training calls `settle` after each step.

    Args:
        outputs: output channels.
        inputs: input channels of a group.
        taps: weights of a kernel.
        size: cells of a kernel, bins and frames.
        construction: the profile of a weight.
    """

    pace = 5.0

    def __init__(self, outputs: int, inputs: int, *, taps: int, size: tuple[int, int], construction: Construction) -> None:
        super().__init__()
        self.size = size
        self.construction = construction
        self.places = nn.Parameter(torch.randn(2, outputs, inputs, taps) * 0.5)
        spread = construction in ("max", "gauss")
        self.spread = nn.Parameter(torch.full((2, outputs, inputs, taps), 0.23 if construction == "gauss" else 0.0)) if spread else None
        self.settle()

    def kernel(self, weight: Tensor) -> Tensor:
        """The dense kernel.

        Args:
            weight: [C', C, taps] weights.

        Returns:
            [C', C, bins, frames] kernel.
        """
        rows, columns = self._profile(0), self._profile(1)  # [C', C, taps, cells]
        if self.construction != "bilinear":
            weight = weight / (rows.sum(-1) * columns.sum(-1) + 1e-7)
        return torch.einsum("oik,oikr,oikc->oirc", weight, rows, columns)

    @torch.no_grad()
    def settle(self) -> None:
        """Bring places that left the kernel back to its edge."""
        for axis, cells in enumerate(self.size):
            self.places[axis].clamp_(-(cells // 2), cells // 2)

    def _profile(self, axis: int) -> Tensor:
        cells = self.size[axis]
        away = torch.arange(cells, device=self.places.device) - (self.places[axis][..., None] + cells // 2)
        if self.spread is None:
            return (1 - away.abs()).relu()
        spread = self.spread[axis][..., None].abs()
        if self.construction == "max":
            return (spread + 1 - away.abs()).relu()
        return (-0.5 * (away / (spread + 0.27)).square()).exp()


class Dcls(nn.Module):
    """A convolution of the clip's own size, with learnable spacings.

    Args:
        inputs: input channels.
        outputs: output channels.
        taps: weights of a kernel.
        groups: groups of channels that don't mix.
    """

    def __init__(self, inputs: int, outputs: int, *, taps: int, groups: int = 1) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, taps))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor, spacings: Spacings) -> Tensor:
        """The convolution.

        Args:
            x: [B, C, F, N] map.
            spacings: where the weights are.

        Returns:
            [B, C', F, N] map.
        """
        bins, frames = spacings.size
        kernel = spacings.kernel(self.weight)
        if self.groups == x.shape[1] == len(kernel):
            return large_kernel(x, kernel, self.bias)
        return nn.functional.conv2d(x, kernel, self.bias, padding=(bins // 2, frames // 2), groups=self.groups)

    def folded(self, spacings: Spacings) -> nn.Conv2d:
        """The same convolution with a plain kernel, for export.

        Args:
            spacings: where the weights are.

        Returns:
            A convolution that learns places no more.
        """
        bins, frames = spacings.size
        outputs, inputs, _ = self.weight.shape
        plain = nn.Conv2d(inputs * self.groups, outputs, spacings.size, padding=(bins // 2, frames // 2), groups=self.groups)
        with torch.no_grad():
            plain.weight.copy_(spacings.kernel(self.weight))
            plain.bias.copy_(self.bias)  # type: ignore[union-attr]  # it has one
        return plain
