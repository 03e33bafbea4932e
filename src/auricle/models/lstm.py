"""Long short-term memory over the frames of any front end.

Hochreiter and Schmidhuber 1997, with the forget gates of Gers et al. 2000, as torch has them. It hears one frame after the other, so it
streams exactly; with `bidirectional = true` a second recurrence runs from the clip's end, which does not stream. House design, no
published reference.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.layers.turned import turned
from auricle.types import State


class Lstm(nn.Module):
    """Recurrent layers.

    Args:
        bins: bins of the feature.
        hidden: units of a layer in each direction.
        layers: one upon the other.
        bidirectional: whether a second recurrence runs backwards.
        dropout: probability of dropping a unit between layers and at the end, while training.
    """

    stride = 1

    def __init__(self, bins: int, *, hidden: int = 128, layers: int = 2, bidirectional: bool = False, dropout: float = 0.2) -> None:
        super().__init__()
        self.bins = bins
        self.hidden = hidden
        self.streamable = not bidirectional
        self.lookahead = -1 if bidirectional else 0
        self.dim = 2 * hidden if bidirectional else hidden
        sizes = [bins] + [self.dim] * (layers - 1)
        self.onward = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes)
        self.backward_ = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes if bidirectional)
        self.dropout = nn.Dropout(dropout)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, N] hidden, and [B] valid steps.
        """
        sequence = feature.transpose(1, 2)
        for layer, onward in enumerate(self.onward):
            ahead, _ = onward(sequence)
            if self.backward_:
                behind, _ = self.backward_[layer](turned(sequence, length))
                ahead = torch.cat([ahead, turned(behind, length)], dim=-1)
            sequence = self.dropout(ahead)
        return sequence.transpose(1, 2), length

    def start(self, rows: int) -> State:
        """The state before the first frame: zeros in every unit and cell."""
        zeros = next(iter(self.state_dict().values())).new_zeros(rows, self.hidden)
        return {f"{i}.{part}": zeros for i in range(len(self.onward)) for part in ("hidden", "cell")}

    def step(self, feature: Tensor, state: State) -> tuple[Tensor, State]:
        """The next frames of a stream.

        Args:
            feature: [B, F, N] frames.
            state: what `start` or the last `step` gave.

        Returns:
            [B, D, N] hidden, and the next state.
        """
        sequence = feature.transpose(1, 2)
        after: State = {}
        for i, layer in enumerate(self.onward):
            sequence, (hidden, cell) = layer(sequence, (state[f"{i}.hidden"][None], state[f"{i}.cell"][None]))
            after |= {f"{i}.hidden": hidden[0], f"{i}.cell": cell[0]}
            sequence = self.dropout(sequence)
        return sequence.transpose(1, 2), after
