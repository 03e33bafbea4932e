"""Mean over the valid steps, then one linear layer.

The mean of logits is the logit of the mean, so the pooled answer can be followed over time: a running mean over all steps so far, or over
a window of the last few, is what a stream reports.
"""

from __future__ import annotations

from torch import Tensor, nn

from auricle.heads import _mean
from auricle.heads._pooled import Pooled
from auricle.types import State


class MeanPool(Pooled):
    """Masked mean and linear classifier.

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
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, D] mean of the valid steps.
        """
        return _mean.mean(hidden, length)

    def start(self, rows: int, window: int = 0) -> State:
        """The state before the first step.

        Args:
            rows: B.
            window: steps to pool over; 0 pools over all so far.

        Returns:
            `count` [B, 1] steps so far, and `total` [B, D] their sum or `recent` [B, D, window] the last of them.
        """
        return _mean.start(self.linear.weight, rows, self.dim, window)

    def step(self, hidden: Tensor, state: State) -> tuple[Tensor, State]:
        """Pooled logits after each of the next steps.

        Args:
            hidden: [B, D, M] steps.
            state: what `start` or the last `step` gave.

        Returns:
            [B, K, M] logits, and the next state.
        """
        means, after = _mean.step(hidden, state)
        return self.linear(means).transpose(1, 2), after
