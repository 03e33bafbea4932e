"""The hidden states of a transformer: its last kept layer, or all of them mixed by learnt weights; then a projection.

The mix is that of SUPERB (Yang et al. 2021, section 3): softmax weights over the input of the first layer and the output of each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from auricle.errors import RequestError


class States(nn.Module):
    """From the states of all layers to one hidden sequence.

    Args:
        dim: features of a state.
        count: states.
        mix: weigh all of them; the last alone otherwise.
        projector: features behind the linear layer; 0 leaves it out.
    """

    def __init__(self, *, dim: int, count: int, mix: bool, projector: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(count)) if mix else None
        self.projector = nn.Linear(dim, projector) if projector else None
        self.dim = projector or dim

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """One sequence of many.

        Args:
            states: [B, M, D] each.

        Returns:
            [B, D', M] hidden.
        """
        x = states[-1]
        if self.weight is not None:
            x = (torch.stack(list(states), dim=-1) * self.weight.softmax(0)).sum(-1)
        if self.projector is not None:
            x = self.projector(x)
        return x.transpose(1, 2)


def kept(layers: nn.ModuleList, count: int) -> nn.ModuleList:
    """The first layers.

    Args:
        layers: all of them.
        count: how many are kept; 0 keeps all.

    Returns:
        The kept ones.

    Raises:
        RequestError: there are not as many.
    """
    if count < 0 or count > len(layers):
        raise RequestError(f"model.layers is {count}; the network has {len(layers)}")
    return layers[:count] if count else layers


def followed(x: Tensor, layers: nn.ModuleList, step: Callable[[nn.Module, Tensor], Tensor], *, checkpointing: bool) -> list[Tensor]:
    """The states before, between and behind layers.

    Args:
        x: [B, M, D] input of the first layer.
        layers: one upon the other.
        step: applies one.
        checkpointing: compute a layer again on the way back instead of keeping what it needs.

    Returns:
        [B, M, D] each, one more than layers.
    """
    states = [x]
    for layer in layers:
        again = checkpointing and layer.training and torch.is_grad_enabled()
        states.append(checkpoint(step, layer, states[-1], use_reentrant=False) if again else step(layer, states[-1]))
    return states
