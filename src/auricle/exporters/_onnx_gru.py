"""A recurrent layer as ONNX's own GRU, with its state, because the tracer would unroll it over the steps of its example."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class OnnxGru(nn.Module):
    """One layer of one direction in place of an `nn.GRU`; it can only be exported, not run.

    ONNX orders the gates update, reset, new (torch: reset, update, new), and `linear_before_reset` makes its equations torch's.

    Args:
        gru: the layer that it stands for, batch first.
    """

    weight: Tensor
    recurrence: Tensor
    bias: Tensor

    def __init__(self, gru: nn.GRU) -> None:
        super().__init__()
        self.hidden = gru.hidden_size
        self.register_buffer("weight", self._ordered(gru.weight_ih_l0)[None])
        self.register_buffer("recurrence", self._ordered(gru.weight_hh_l0)[None])
        self.register_buffer("bias", torch.cat([self._ordered(gru.bias_ih_l0), self._ordered(gru.bias_hh_l0)])[None])

    def forward(self, sequence: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """All hidden states.

        Args:
            sequence: [B, M, D] steps.
            state: [1, B, H] units before the first step; None means zeros.

        Returns:
            [B, M, H] units after each step, and [1, B, H] after the last.
        """
        rows, steps, _ = sequence.shape
        out, last = torch.onnx.ops.symbolic_multi_out(
            "GRU",
            (sequence.transpose(0, 1), self.weight, self.recurrence, self.bias, None, state),
            attrs={"hidden_size": self.hidden, "linear_before_reset": 1},
            dtypes=(sequence.dtype,) * 2,
            shapes=((steps, 1, rows, self.hidden), (1, rows, self.hidden)),
        )
        return out.squeeze(1).transpose(0, 1), last

    @staticmethod
    def _ordered(gates: Any) -> Tensor:
        reset, update, new = gates.detach().chunk(3)
        return torch.cat([update, reset, new])


def replaceable(module: nn.Module) -> bool:
    """Whether a layer is one that `OnnxGru` stands for.

    Args:
        module: any.

    Returns:
        True for an `nn.GRU` of one layer and direction, batch first, with biases.
    """
    return isinstance(module, nn.GRU) and module.num_layers == 1 and not module.bidirectional and module.batch_first and bool(module.bias)


def replace(pipe: nn.Module) -> None:
    """Put `OnnxGru` in place of each layer that it stands for.

    Args:
        pipe: changed in place.
    """
    for parent in list(pipe.modules()):
        for name, child in list(parent.named_children()):
            if replaceable(child) and isinstance(child, nn.GRU):
                setattr(parent, name, OnnxGru(child))
