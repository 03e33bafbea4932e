"""The nearest of the clips that it knows vote, the nearer the more: a classifier without training.

Wu et al. 2018 (Unsupervised feature learning via non-parametric instance discrimination, section 3.4), on the mean over the valid steps:
neighbours by cosine, each weighing exp(cosine / temperature). What it knows are `known` embeddings with their labels, which
`--set transfer.probe=knn` puts there; until then they are chance. The mean is followed over time, so it streams.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from auricle.heads import _mean
from auricle.types import State

_LEAST = 1e-4  # share of the vote that a class without a neighbour keeps


class Knn(nn.Module):
    """Vote of the nearest.

    Args:
        dim: features of the hidden sequence.
        classes: logits.
        neighbours: that vote; at most `known`.
        known: embeddings that it can hold.
        temperature: of the weights; small ones let the nearest decide.
        independent: each class is voted on by itself, as tasks of several labels need; else they share one vote.
    """

    streamable = True
    centre: Tensor
    spread: Tensor
    embeddings: Tensor
    labels: Tensor

    def __init__(
        self, dim: int, classes: int, *, neighbours: int = 5, known: int = 16, temperature: float = 0.07, independent: bool = False
    ) -> None:
        super().__init__()
        self.dim = dim
        self.neighbours = min(neighbours, known)
        self.temperature = temperature
        self.independent = independent
        self.register_buffer("centre", torch.zeros(dim))
        self.register_buffer("spread", torch.ones(dim))
        self.register_buffer("embeddings", nn.functional.normalize(torch.randn(known, dim), dim=1))
        self.register_buffer("labels", nn.functional.one_hot(torch.arange(known) % classes, classes).float())

    @torch.no_grad()
    def learn(self, embeddings: Tensor, labels: Tensor) -> None:
        """Know these clips from now on.

        Args:
            embeddings: [N, D] pooled steps, N = `known`.
            labels: [N, K] 0 or 1.
        """
        self.centre.copy_(embeddings.mean(0))
        spread = embeddings.std(0)  # what changes by no more than its last digits is left as it is
        self.spread.copy_(torch.where(spread > 1e-5 * self.centre.abs(), spread, torch.ones(())))
        self.embeddings.copy_(self._direction(embeddings))
        self.labels.copy_(labels)

    def forward(self, hidden: Tensor, length: Tensor) -> Tensor:
        """Logits of each row.

        Args:
            hidden: [B, D, M] steps.
            length: [B] valid steps; a row with none is pooled over its first.

        Returns:
            [B, K] logits.
        """
        return self._vote(self.embedding(hidden, length))

    def embedding(self, hidden: Tensor, length: Tensor) -> Tensor:
        """What is compared with the clips that it knows.

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
        return _mean.start(self.centre, rows, self.dim, window)

    def step(self, hidden: Tensor, state: State) -> tuple[Tensor, State]:
        """Pooled logits after each of the next steps.

        Args:
            hidden: [B, D, M] steps.
            state: what `start` or the last `step` gave.

        Returns:
            [B, K, M] logits, and the next state.
        """
        means, after = _mean.step(hidden, state)
        return self._vote(means).transpose(1, 2), after

    def _direction(self, embedding: Tensor) -> Tensor:
        return nn.functional.normalize((embedding - self.centre) / self.spread, dim=-1)

    def _vote(self, embedding: Tensor) -> Tensor:
        near, which = (self._direction(embedding) @ self.embeddings.T).topk(self.neighbours, dim=-1)
        weight = (near / self.temperature).softmax(-1)[..., None]  # [..., k, 1]
        share = (weight * self.labels[which]).sum(-2).clamp(_LEAST, 1 - _LEAST)
        return (share / (1 - share) if self.independent else share / _LEAST).log()
