"""Weights averaged while others learn: over the steps with a decay, or evenly over the last epochs."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from auricle.pipe import Pipe


class Average:
    """A copy of a pipe that follows it, weights and running statistics alike.

    Args:
        pipe: that learns.
    """

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = copy.deepcopy(pipe).eval()
        self._means, self._nows = _floats(self.pipe), _floats(pipe)

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """Move towards the weights that learn.

        Args:
            decay: share of the average that stays; 0 makes it the weights themselves.
        """
        torch._foreach_lerp_(self._means, self._nows, 1 - decay)

    def after_step(self, done: int, *, decay: float) -> None:
        """Follow with a decay that a young average only comes to.

        Args:
            done: steps before this one.
            decay: in the end.
        """
        self.follow(min(decay, (1 + done) / (10 + done)))

    def after_epoch(self, epochs: int) -> None:
        """Follow evenly.

        Args:
            epochs: in the average, this one among them; 0 or 1 makes it the weights themselves.
        """
        self.follow(1 - 1 / max(1, epochs))


def _floats(pipe: Pipe) -> list[Tensor]:
    """Weights and running statistics, in a fixed order."""
    return [value for value in pipe.state_dict().values() if value.is_floating_point()]
