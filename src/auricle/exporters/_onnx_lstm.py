"""A recurrent layer as ONNX's own LSTM, with its state, because the tracer would unroll it over the steps of its example."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class OnnxLstm(nn.Module):
    """One layer of one direction in place of an `nn.LSTM`; it can only be exported, not run.

    ONNX orders the gates input, output, forget, cell (torch: input, forget, cell, output).

    Args:
        lstm: the layer that it stands for, batch first.
    """

    weight: Tensor
    recurrence: Tensor
    bias: Tensor

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.hidden = lstm.hidden_size
        self.register_buffer("weight", self._ordered(lstm.weight_ih_l0)[None])
        self.register_buffer("recurrence", self._ordered(lstm.weight_hh_l0)[None])
        self.register_buffer("bias", torch.cat([self._ordered(lstm.bias_ih_l0), self._ordered(lstm.bias_hh_l0)])[None])

    def forward(self, sequence: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """All hidden states.

        Args:
            sequence: [B, M, D] steps.
            state: [1, B, H] units and [1, B, H] cells before the first step; None means zeros.

        Returns:
            [B, M, H] units after each step, and the state after the last.
        """
        rows, steps, _ = sequence.shape
        hidden, cell = (None, None) if state is None else state
        out, *after = torch.onnx.ops.symbolic_multi_out(
            "LSTM",
            (sequence.transpose(0, 1), self.weight, self.recurrence, self.bias, None, hidden, cell),
            attrs={"hidden_size": self.hidden},
            dtypes=(sequence.dtype,) * 3,
            shapes=((steps, 1, rows, self.hidden), (1, rows, self.hidden), (1, rows, self.hidden)),
        )
        return out.squeeze(1).transpose(0, 1), (after[0], after[1])

    @staticmethod
    def _ordered(gates: Tensor | nn.Module) -> Tensor:
        assert isinstance(gates, Tensor)
        enter, forget, cell, leave = gates.detach().chunk(4)
        return torch.cat([enter, leave, forget, cell])


def replace(pipe: nn.Module) -> None:
    """Put `OnnxLstm` in place of each `nn.LSTM` of one layer and direction, batch first, with biases.

    Args:
        pipe: changed in place.
    """
    for parent in list(pipe.modules()):
        for name, child in list(parent.named_children()):
            plain = isinstance(child, nn.LSTM) and child.num_layers == 1 and not child.bidirectional and not child.proj_size
            if plain and isinstance(child, nn.LSTM) and child.batch_first and child.bias:
                setattr(parent, name, OnnxLstm(child))
