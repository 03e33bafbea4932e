"""The last valid step, then one linear layer: what a recurrence has heard of the whole clip.

As recurrent classifiers have it since Hochreiter and Schmidhuber 1997. A stream's answer after each step is that step's. Not for models
that run both ways: at the last step their backward half has heard nothing but it.
"""

from __future__ import annotations

from torch import Tensor, nn

from auricle.heads._pooled import Pooled
from auricle.types import State


class Last(Pooled):
    """Linear classifier of the last step.

    Args:
        dim: features of the hidden sequence.
        classes: logits.
    """

    streamable = True

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.dim = dim
        self.linear = nn.Linear(dim, classes)

    def embedding(self, hidden: Tensor, length: Tensor) -> Tensor:
        """What the classifier hears of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; of a row with none it is the first.

        Returns:
            [B, D] last valid step.
        """
        at = (length.clamp(min=1) - 1)[:, None, None].expand(-1, hidden.shape[1], 1)
        return hidden.gather(2, at).squeeze(2)

    def start(self, rows: int, window: int = 0) -> State:  # noqa: ARG002 - the last step is the same in any window
        """The state before the first step.

        Args:
            rows: B.
            window: steps to pool over, of which the last is taken.

        Returns:
            Nothing: no step but the present one counts.
        """
        return {}

    def step(self, hidden: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits of each of the next steps.

        Args:
            hidden: [B, D, M] steps.
            state: what `start` or the last `step` gave.

        Returns:
            [B, K, M] logits, and the next state.
        """
        return self.linear(hidden.transpose(1, 2)).transpose(1, 2), state
