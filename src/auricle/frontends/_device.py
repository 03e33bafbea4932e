"""Which form of a computation a tensor takes: numpy's on the host, torch's for gradients, accelerators and exported graphs."""

from __future__ import annotations

import torch
from torch import Tensor


def on_host(value: Tensor) -> bool:
    """Whether numpy may compute with it: real numbers at hand, of which no gradient is asked.

    Args:
        value: [...] numbers.

    Returns:
        Whether it may.
    """
    return value.device.type == "cpu" and value.dtype == torch.float32 and not value.requires_grad and not torch.compiler.is_compiling()
