"""A learnt weight for each step, then one linear layer.

Soft attention over time (Bahdanau et al. 2015, equations 5 and 6, with a learnt query in place of a decoder's state). The weights need
the whole clip: not streamable.
"""

from __future__ import annotations

from torch import Tensor, nn

from auricle.heads._pooled import Pooled
from auricle.layers.shares import shares


class AttentionPool(Pooled):
    """Weighted mean and linear classifier.

    Args:
        dim: features of the hidden sequence.
        classes: logits.
        units: of the scoring layer.
    """

    streamable = False

    def __init__(self, dim: int, classes: int, *, units: int = 64) -> None:
        super().__init__()
        self.dim = dim
        self.score = nn.Sequential(nn.Conv1d(dim, units, 1), nn.Tanh(), nn.Conv1d(units, 1, 1, bias=False))
        self.linear = nn.Linear(dim, classes)

    def embedding(self, hidden: Tensor, length: Tensor) -> Tensor:
        """What the classifier hears of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, D] weighted mean of the valid steps.
        """
        return (hidden * shares(self.score(hidden), length)).sum(-1)
