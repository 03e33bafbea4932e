"""What heads share that pool first and classify then, by one linear layer over what the pool hears of the clip."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, nn


class Pooled(nn.Module):
    """A pool, which an entry is, and a linear classifier."""

    linear: nn.Linear

    @abstractmethod
    def embedding(self, hidden: Tensor, length: Tensor) -> Tensor:
        """What the classifier hears of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, E] embeddings.
        """

    def forward(self, hidden: Tensor, length: Tensor) -> Tensor:
        """Logits of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, K] logits.
        """
        logits: Tensor = self.linear(self.embedding(hidden, length))
        return logits
