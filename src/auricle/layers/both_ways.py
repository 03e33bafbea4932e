"""One recurrent layer that hears a clip from both ends.

Schuster and Paliwal 1997 (Bidirectional recurrent neural networks): a recurrence over the steps beside one over the reversed steps. The
second begins at each row's own end, so padding is never heard; it needs the whole clip. Weights are those of torch's bidirectional layer,
forward and backward apart, each a plain layer that every exported graph has.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auricle.layers.turned import turned


class BothWays(nn.Module):
    """Two recurrences over the same steps, side by side.

    Args:
        inputs: features of a step.
        units: of each recurrence.
        cell: what it is made of.
    """

    def __init__(self, inputs: int, units: int, *, cell: Literal["lstm", "gru"] = "lstm") -> None:
        super().__init__()
        kind = nn.LSTM if cell == "lstm" else nn.GRU
        self.onward = kind(inputs, units, batch_first=True)
        self.backward_ = kind(inputs, units, batch_first=True)

    def forward(self, sequence: Tensor, length: Tensor) -> Tensor:
        """What both have heard at each step.

        Args:
            sequence: [B, M, D] steps.
            length: [B] valid steps.

        Returns:
            [B, M, 2·units] of the past, then of the future; each with the step itself.
        """
        ahead, _ = self.onward(sequence)
        behind, _ = self.backward_(turned(sequence, length))
        return torch.cat([ahead, turned(behind, length)], dim=-1)
