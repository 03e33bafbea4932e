"""A depthwise convolution with a large kernel that learns on a processor: the kernel's gradient by way of the Fourier transform.

The gradient is the correlation of a channel's map with what comes back. oneDNN sums it cell by cell, which for 23 × 23 cells is nine tenths
of a training step; the transform is 2.6 to 18 times as fast on the maps of ConvNeXt (`benchmarks/large_kernels.py`). Both are the same
sum.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_SMALLEST = 11 * 11  # cells of a kernel; below, the sum is as quick


def large_kernel(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Each channel convolved with its kernel.

    Args:
        x: [B, C, F, N] map.
        kernel: [C, 1, bins, frames]; as many steps as before where both are odd.
        bias: [C].

    Returns:
        [B, C, F, N].
    """
    bins, frames = kernel.shape[2:]
    worth = bins * frames >= _SMALLEST and bins % 2 == frames % 2 == 1
    learns = worth and x.device.type == "cpu" and torch.is_grad_enabled() and kernel.requires_grad
    padding = (bins // 2, frames // 2)
    if not learns:
        return nn.functional.conv2d(x, kernel, bias, padding=padding, groups=len(kernel))
    y = nn.functional.conv2d(x, kernel.detach(), bias.detach(), padding=padding, groups=len(kernel))
    made: Tensor = _Learning.apply(y, x, kernel, bias)  # type: ignore[no-untyped-call]
    return made


def correlation(x: Tensor, y: Tensor, *, bins: int, frames: int) -> Tensor:
    """How alike two maps are at each small shift, summed over rows: the gradient of `large_kernel` by its kernel.

    Args:
        x: [B, C, F, N] what was convolved.
        y: [B, C, F, N] what comes back.
        bins: shifts, from -(bins // 2) on.
        frames: alike.

    Returns:
        [C, 1, bins, frames].
    """
    from scipy.fft import next_fast_len  # type: ignore[import-untyped]

    shifts = (bins, frames)
    size = [next_fast_len(max(n + s // 2, s), real=True) for n, s in zip(x.shape[2:], shifts, strict=True)]  # no shift wraps around
    left, right = (torch.fft.rfft2(_single(each).contiguous(), s=size) for each in (x, y))
    whole = torch.fft.irfft2(torch.einsum("bcij,bcij->cij", left, right.conj()), s=size)
    return torch.roll(whole, [s // 2 for s in shifts], (1, 2))[:, None, :bins, :frames]


class _Learning(torch.autograd.Function):
    """The result as it is. On the way back kernel and bias get their gradients; oneDNN would sum both if it were asked for either."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, x: Tensor, kernel: Tensor, _bias: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.size = kernel.shape[2:]
        return y.view_as(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor, None, Tensor, Tensor]:
        (x,) = ctx.saved_tensors
        bins, frames = ctx.size
        return back, None, correlation(x, back, bins=bins, frames=frames), _single(back).sum((0, 2, 3))


def _single(x: Tensor) -> Tensor:
    """In 32 bits, or in 64 where it came so."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
