"""Depthwise convolutions kept in single precision where mixed precision would slow them down.

oneDNN has quick gradients of a depthwise convolution in bfloat16 for kernels of three and steps of one. For any other it falls back to
plain loops: several times as slow as in single precision, and a third of a training step of MobileNetV3
(`benchmarks/depthwise_training.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_QUICK = 3  # taps
_Kind = nn.Conv1d | nn.Conv2d


@contextmanager
def single(network: nn.Module) -> Iterator[None]:
    """While it lasts, such layers compute in 32 bits on a processor, whatever precision the layers around them are in.

    Args:
        network: whose layers get hooks, which are gone afterwards; copies made meanwhile have them too.

    Yields:
        Nothing.
    """
    slow = [layer for layer in network.modules() if isinstance(layer, _Kind) and _slow(layer)]
    hooks = [hook for layer in slow for hook in (layer.register_forward_pre_hook(_widen), layer.register_forward_hook(_resume))]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _slow(layer: Any) -> bool:
    depthwise = layer.groups > 1 and layer.groups == layer.in_channels == layer.out_channels
    return depthwise and bool(max(layer.kernel_size) > _QUICK or max(layer.stride) > 1)


def _widen(layer: Any, given: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
    """Before the layer: no mixed precision, where there is some on a processor and a gradient will be asked for."""
    layer.widened = given[0].device.type == "cpu" and torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")
    if not layer.widened:
        return None
    torch.set_autocast_enabled("cpu", False)
    return (given[0].float(), *given[1:])


def _resume(layer: Any, _given: tuple[Tensor, ...], made: Tensor) -> Tensor:
    """Behind it: mixed precision as before, for the layers that follow."""
    if not layer.widened:
        return made
    torch.set_autocast_enabled("cpu", True)
    return made.to(torch.get_autocast_dtype("cpu"))
