"""Whole clips through a pipe, by the rule that prediction follows: short clips padded, long ones in pieces averaged by length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from auricle.audio.window import passages
from auricle.feed import Feed
from auricle.pipe import Pipe
from auricle.types import Item, TaskKind

_ROWS = 16  # clips scored together


@dataclass(frozen=True, slots=True)
class Scored:
    """Logits of every piece of every clip, and what was true.

    Args:
        logits: [W, K] of each piece.
        owner: [W] clip of each piece.
        weight: [W] share of its clip.
        target: [R] class indices or [R, K] rows of the clips, multi-hot or shares that sum to 1.
        kind: of the task.
    """

    logits: Tensor
    owner: Tensor
    weight: Tensor
    target: Tensor
    kind: TaskKind

    def probabilities(self, temperature: float = 1.0) -> Tensor:
        """Probabilities of each clip.

        Args:
            temperature: the logits are divided by it.

        Returns:
            [R, K] mean over the clip's pieces, by length.
        """
        scaled = self.logits / temperature
        pieces = scaled.softmax(-1) if self.kind in ("single", "distribution") else scaled.sigmoid()
        clips = torch.zeros(self.target.shape[0], self.logits.shape[1])
        return clips.index_add(0, self.owner, pieces * self.weight[:, None])

    def loss(self) -> float:
        """Mean negative log-likelihood of the clips; of a distribution, its divergence, which is 0 where the annotators are met."""
        p = self.probabilities().clamp(1e-7, 1 - 1e-7)
        if self.kind == "single":
            return float(-p.gather(1, self.target[:, None]).log().mean())
        if self.kind == "distribution":
            return float((torch.special.xlogy(self.target, self.target) - self.target * p.log()).sum(-1).mean())
        return float(torch.nn.functional.binary_cross_entropy(p, self.target))

    def accuracy(self) -> float:
        """Share of clips whose likeliest label is right.

        For multi-label tasks, of clips whose likeliest label is one of theirs; for distributions, of clips whose likeliest label is a most
        voted one.
        """
        top = self.probabilities().argmax(-1)
        if self.kind == "single":
            return float((top == self.target).float().mean())
        if self.kind == "distribution":
            return float((self.target.gather(1, top[:, None])[:, 0] > self.target.amax(-1) - 1e-6).float().mean())
        return float(self.target.gather(1, top[:, None]).mean())


@torch.no_grad()
def score(pipe: Pipe, feed: Feed, items: Sequence[Item], tick: Callable[[], object] | None = None) -> Scored:
    """Score whole clips.

    Args:
        pipe: is put into evaluation mode and left in it.
        feed: reads the items.
        items: at least one.
        tick: called after each clip, to move a progress bar.

    Returns:
        Logits of every piece.
    """
    pipe.eval()
    device = next(chain(pipe.parameters(), pipe.buffers())).device
    least = max(pipe.min_samples, round(feed.recipe.feed.min_seconds * feed.recipe.sample_rate))
    longest = pipe.max_samples
    pieces: list[tuple[int, int, int]] = []
    for clip, item in enumerate(items):
        pieces += [(clip, a, b) for a, b in passages(len(feed.wave(item)), feed.row, longest=longest)]
    # Neighbours in length share a batch, so little is padded.
    pieces.sort(key=lambda piece: piece[1] - piece[2])
    logits = []
    for first in range(0, len(pieces), _ROWS):
        some = pieces[first : first + _ROWS]
        longest = max(least, *(b - a for _, a, b in some))
        wave = torch.zeros(len(some), longest)
        for row, (clip, a, b) in enumerate(some):
            wave[row, : b - a] = torch.from_numpy(feed.wave(items[clip])[a:b])
        length = torch.tensor([max(least, b - a) for _, a, b in some])
        logits.append(pipe(wave.to(device), length.to(device)).cpu())
        if tick:
            for _ in some:
                tick()
    owner = torch.tensor([clip for clip, _, _ in pieces])
    samples = torch.tensor([float(b - a) for _, a, b in pieces])
    weight = samples / torch.zeros(len(items)).index_add(0, owner, samples)[owner]
    return Scored(torch.cat(logits), owner, weight, feed.targets(items), feed.task.kind)
