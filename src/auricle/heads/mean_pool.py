"""Mean over the valid steps, then one linear layer.

The mean of logits is the logit of the mean, so the pooled answer can be followed over time: a running mean over all steps so far, or over
a window of the last few, is what a stream reports.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.types import State


class MeanPool(nn.Module):
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

    def forward(self, hidden: Tensor, length: Tensor) -> Tensor:
        """Logits of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, K] logits.
        """
        length = length.clamp(min=1)
        valid = torch.arange(hidden.shape[-1], device=hidden.device)[None] < length[:, None]
        pooled = (hidden * valid[:, None].to(hidden.dtype)).sum(-1) / length[:, None].to(hidden.dtype)
        logits: Tensor = self.linear(pooled)
        return logits

    def start(self, rows: int, window: int = 0) -> State:
        """The state before the first step.

        Args:
            rows: B.
            window: steps to pool over; 0 pools over all so far.

        Returns:
            `count` [B, 1] steps so far, and `total` [B, D] their sum or `recent` [B, D, window] the last of them.
        """
        zeros = self.linear.weight.new_zeros
        kept = {"recent": zeros(rows, self.dim, window)} if window else {"total": zeros(rows, self.dim)}
        return {"count": zeros(rows, 1), **kept}

    def step(self, hidden: Tensor, state: State) -> tuple[Tensor, State]:
        """Pooled logits after each of the next steps.

        Args:
            hidden: [B, D, M] steps.
            state: what `start` or the last `step` gave.

        Returns:
            [B, K, M] logits, and the next state.
        """
        steps = hidden.shape[-1]
        count = state["count"] + torch.arange(1, steps + 1, device=hidden.device, dtype=hidden.dtype)[None]  # [B, M]
        after: State = {"count": count[:, -1:]}
        if "total" in state:
            sums = state["total"][..., None] + hidden.cumsum(-1)
            after["total"] = sums[..., -1]
        else:
            window = state["recent"].shape[-1]
            joined = torch.cat([state["recent"], hidden], dim=-1)
            sums = nn.functional.avg_pool1d(joined[..., 1:], window, stride=1) * window
            after["recent"] = joined[..., steps:]
            count = count.clamp(max=window)
        return self.linear((sums / count[:, None]).transpose(1, 2)).transpose(1, 2), after
