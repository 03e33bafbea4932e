"""Maximum plus mean over the valid steps, then one linear layer: short events count beside long ones.

Kong et al. 2020 (PANNs, section III-A), which puts a hidden layer between, its embedding of the clip: `hidden`. Both are followed over time
exactly: a running pair over all steps, or the pair over the last few.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.heads._pooled import Pooled
from auricle.layers.masked import valid
from auricle.types import State

_LOWEST = -1e30  # stands for "nothing heard yet" in the maximum; finite, so that it can travel through any exported graph


class MaxMeanPool(Pooled):
    """Masked maximum plus masked mean, and linear classifier.

    Args:
        dim: features of the hidden sequence.
        classes: logits.
        norm: whether the pooled features are normalised to mean 0 and variance 1, as ConvNeXt has it.
        hidden: rectified units between pooling and classifier; 0 means none.
        dropout: probability of dropping a pooled feature while training.
    """

    streamable = True

    def __init__(self, dim: int, classes: int, *, norm: bool = False, hidden: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.dim = dim
        self.embed = nn.Sequential(nn.Dropout(dropout))
        if norm:
            self.embed.append(nn.LayerNorm(dim, eps=1e-6))
        if hidden:
            self.embed.extend([nn.Linear(dim, hidden), nn.ReLU()])
        self.linear = nn.Linear(hidden or dim, classes)

    def embedding(self, hidden: Tensor, length: Tensor) -> Tensor:
        """What the classifier hears of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, E] pooled features behind normalisation and hidden layer, E = D where there is no hidden layer.
        """
        length = length.clamp(min=1)
        inside = valid(length, hidden.shape[-1])[:, None]
        mean = (hidden * inside.to(hidden.dtype)).sum(-1) / length[:, None].to(hidden.dtype)
        embedding: Tensor = self.embed(mean + hidden.masked_fill(~inside, _LOWEST).amax(-1))
        return embedding

    def start(self, rows: int, window: int = 0) -> State:
        """The state before the first step.

        Args:
            rows: B.
            window: steps to pool over; 0 pools over all so far.

        Returns:
            `count` [B, 1] steps so far, and `total` [B, D] and `most` [B, D], or `recent` [B, D, window] the last steps.
        """
        weight = self.linear.weight
        count = weight.new_zeros(rows, 1)
        if window:
            return {"count": count, "recent": weight.new_zeros(rows, self.dim, window)}
        return {"count": count, "total": weight.new_zeros(rows, self.dim), "most": weight.new_full((rows, self.dim), _LOWEST)}

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
            total = state["total"][..., None] + hidden.cumsum(-1)
            most = torch.cat([state["most"][..., None], hidden], dim=-1).cummax(-1).values[..., 1:]
            after |= {"total": total[..., -1], "most": most[..., -1]}
        else:
            window = state["recent"].shape[-1]
            joined = torch.cat([state["recent"], hidden], dim=-1)
            after["recent"] = joined[..., steps:]
            heard = torch.arange(1 - window, steps, device=hidden.device)[None] + state["count"] >= 0  # [B, window - 1 + M]
            total = nn.functional.avg_pool1d(joined[..., 1:], window, stride=1) * window
            # Over two axes, of which one is 1: torch can't export a pool over one axis whose length is open.
            most = nn.functional.max_pool2d(joined[..., 1:].masked_fill(~heard[:, None], _LOWEST), (1, window), stride=1)
            count = count.clamp(max=window)
        return self.linear(self.embed((total / count[:, None] + most).transpose(1, 2))).transpose(1, 2), after
