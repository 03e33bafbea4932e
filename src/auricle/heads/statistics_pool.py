"""Mean and standard deviation over the valid steps, then one linear layer.

Snyder et al. 2018 (X-vectors, section 2.1) and what frozen features are usually probed by. The deviation is taken about the whole clip's
mean: not streamable.
"""

from __future__ import annotations

from torch import Tensor, nn

from auricle.heads._pooled import Pooled
from auricle.layers.statistics import statistics


class StatisticsPool(Pooled):
    """Masked mean beside masked deviation, and linear classifier.

    Args:
        dim: features of the hidden sequence.
        classes: logits.
    """

    streamable = False

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.dim = dim
        self.linear = nn.Linear(2 * dim, classes)

    def embedding(self, hidden: Tensor, length: Tensor) -> Tensor:
        """What the classifier hears of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, 2D] means, then deviations.
        """
        return statistics(hidden, length)
