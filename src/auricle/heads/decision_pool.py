"""A decision at each step, then one for the clip: tagging that also says when.

The decision-level networks of PANNs (Kong et al. 2020, section III; the authors' Cnn14_DecisionLevelMax, -Avg and -Att): steps are smoothed
by the maximum plus the mean of three neighbours, pass a hidden layer, and are classified one by one; the clip's probability is their
largest (`pool = "max"`), their mean ("mean"), or their mean with weights that each class learns ("attention"). `frames` gives the logits
of the steps. Behind `cnn14`, with 2048 hidden units, 527 classes and `smooth = true` it is the published network, whose weights
`models._panns.convert` renames. The smoothing looks one step ahead and weights need the whole clip: it does not stream.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from auricle.layers.masked import masked, valid

_LOWEST = -1e30  # of what is no step; finite, so that it can travel through any exported graph
_STEEPEST = 10.0  # bound of a weight's score, as published


class DecisionPool(nn.Module):
    """Classifier of steps, and what the clip makes of them.

    Args:
        dim: features of the hidden sequence.
        classes: logits.
        pool: how the steps' probabilities become the clip's.
        smooth: whether steps are smoothed first.
        hidden: rectified units between; 0 means none.
        dropout: probability of dropping a feature while training, before and behind the hidden layer.
    """

    streamable = False

    def __init__(
        self,
        dim: int,
        classes: int,
        *,
        pool: Literal["max", "mean", "attention"] = "max",
        smooth: bool = True,
        hidden: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.dim = dim
        self.pool = pool
        self.smooth = smooth
        self.embed = nn.Sequential(nn.Dropout(dropout))
        if hidden:
            self.embed.extend([nn.Linear(dim, hidden), nn.ReLU(), nn.Dropout(dropout)])
        self.linear = nn.Linear(hidden or dim, classes)
        self.attention = nn.Linear(hidden or dim, classes) if pool == "attention" else None

    def forward(self, hidden: Tensor, length: Tensor) -> Tensor:
        """Logits of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, K] logits.
        """
        length = length.clamp(min=1)
        x = self._embedded(hidden, length)
        logits: Tensor = self.linear(x).transpose(1, 2)  # [B, K, M]
        outside = ~valid(length, logits.shape[-1])[:, None]
        if self.pool == "max":
            return logits.masked_fill(outside, _LOWEST).amax(-1)
        score = torch.zeros_like(logits)
        if self.attention is not None:
            score = self.attention(x).transpose(1, 2).clamp(-_STEEPEST, _STEEPEST)
        share = score.masked_fill(outside, _LOWEST).log_softmax(-1)
        # The logit of a weighted mean of probabilities, by the logarithms of both sides: nothing is rounded to 0 or 1.
        log = nn.functional.logsigmoid
        return (share + log(logits)).logsumexp(-1) - (share + log(-logits)).logsumexp(-1)

    def frames(self, hidden: Tensor, length: Tensor) -> Tensor:
        """Logits of each step.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps.

        Returns:
            [B, K, M] logits; behind a row's end they mean nothing.
        """
        logits: Tensor = self.linear(self._embedded(hidden, length.clamp(min=1))).transpose(1, 2)
        return logits

    def _embedded(self, hidden: Tensor, length: Tensor) -> Tensor:
        """[B, M, E] what is classified at each step."""
        if self.smooth:
            outside = ~valid(length, hidden.shape[-1])[:, None]
            most = _neighbours(hidden.masked_fill(outside, _LOWEST), beyond=_LOWEST).amax(0)
            hidden = most + _neighbours(masked(hidden, length), beyond=0.0).mean(0)  # the mean counts zeros beyond the ends, as published
        embedded: Tensor = self.embed(hidden.transpose(1, 2))
        return embedded


def _neighbours(x: Tensor, *, beyond: float) -> Tensor:
    """[3, B, D, M]: the step before, the step, the step after."""
    padded = nn.functional.pad(x, (1, 1), value=beyond)
    return torch.stack([padded[..., :-2], x, padded[..., 2:]])
