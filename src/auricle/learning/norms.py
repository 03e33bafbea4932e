"""Batch norms whose running statistics are slower than the run is long."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

_USUAL = 0.1  # torch's own momentum, which is not quickened
_WINDOWS = 10  # in which a whole run must fit


class SlowNorms:
    """The norms of a network that forget more slowly than torch's do by themselves, made as quick as the run is short.

    Published networks that were trained for months move their running statistics by a hundredth at each step. In a run of a few hundred
    steps these are, at its end, still those of the weights that it began with, while the weights have long moved on: it learns by the
    statistics of each batch, and is judged by others. Here they move by at least 10 / steps, so that a tenth of the run is what they
    remember, and at most by 0.1.

    Args:
        network: whose norms are followed.
    """

    def __init__(self, network: nn.Module) -> None:
        found = [part for part in network.modules() if isinstance(part, _BatchNorm)]
        self._slow = [(norm, norm.momentum) for norm in found if norm.momentum is not None and norm.momentum < _USUAL]

    def fit(self, steps: int) -> None:
        """Make them quick enough for a run, and never slower than they are.

        Args:
            steps: of the whole run.
        """
        for norm, own in self._slow:
            norm.momentum = max(own, min(_USUAL, _WINDOWS / max(1, steps)))
