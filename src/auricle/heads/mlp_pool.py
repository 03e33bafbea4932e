"""Mean over the valid steps, a hidden layer, then a linear one: the classifier of MobileNetV3.

Howard et al. 2019 (Searching for MobileNetV3, table 1) as Schmid et al. 2023 have it for sound. The mean is followed over time, so that a
stream's answer is exact. When a trained network is tuned for other labels, the hidden layer stays and only the last one is made anew.
"""

from __future__ import annotations

from torch import Tensor, nn

from auricle.heads import _mean
from auricle.heads._pooled import Pooled
from auricle.types import State


class MlpPool(Pooled):
    """Masked mean, hidden layer with hard swish, and linear classifier.

    Args:
        dim: features of the hidden sequence.
        classes: logits.
        hidden: units between.
        dropout: probability of dropping such a unit while training.
    """

    streamable = True

    def __init__(self, dim: int, classes: int, *, hidden: int = 512, dropout: float = 0.2) -> None:
        super().__init__()
        self.dim = dim
        self.embed = nn.Sequential(nn.Linear(dim, hidden), nn.Hardswish(), nn.Dropout(dropout))
        self.linear = nn.Linear(hidden, classes)

    def embedding(self, hidden: Tensor, length: Tensor) -> Tensor:
        """What the classifier hears of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, H] hidden layer over the mean of the valid steps.
        """
        embedding: Tensor = self.embed(_mean.mean(hidden, length))
        return embedding

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
        return self.linear(self.embed(means)).transpose(1, 2), after
