"""Which parameters learn from when on, and how fast."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from torch import nn

from auricle.catalog import nearest
from auricle.errors import RequestError
from auricle.pipe import Pipe
from auricle.settings import Transfer


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan for the parameters of an objective, whose names begin with `pipe.`; those it doesn't name learn as they are.

    Args:
        paces: learning rates in units of the recipe's.
        late: the epoch from which on a parameter learns that doesn't from the first.
    """

    paces: Mapping[str, float] = field(default_factory=dict)
    late: Mapping[str, float] = field(default_factory=dict)

    def begin(self, objective: nn.Module, epoch: int) -> None:
        """Let learn what learns in this epoch; layers of nothing else but what doesn't keep their norms' statistics.

        Args:
            objective: in training mode; changed in place.
            epoch: from 0.
        """
        for name, parameter in objective.named_parameters():
            if name in self.late:
                parameter.requires_grad_(epoch >= self.late[name])
        for part in objective.modules():
            own = list(part.parameters(recurse=False))
            if own and not any(p.requires_grad for p in own):
                part.eval()


def plan(pipe: Pipe, settings: Transfer, learnt: Collection[str]) -> Plan:
    """What the recipe freezes, thaws and slows of a network that knows something.

    Args:
        pipe: its frozen parameters take no gradient from now on.
        settings: shares, names, groups and rates.
        learnt: names of the tensors that it knew before.

    Returns:
        The plan.

    Raises:
        RequestError: a name that no part begins with, or something to freeze of a network that knows nothing.
    """
    if (settings.freeze or settings.learn) and not learnt:
        key = "learn" if settings.learn else "freeze"
        raise RequestError(f"recipe.transfer.{key} fixes layers, but recipe.transfer.weights names nothing they could have learnt from")
    names = {id(p): name for name, p in pipe.named_parameters()}
    known = [[names[id(p)] for part in layer for p in part.parameters(recurse=False)] for layer in layers(pipe.model)]
    known = [layer for layer in known if any(name in learnt for name in layer)]
    first = known[: round(settings.freeze * len(known))]
    frozen = _others(pipe, settings.learn) if settings.learn else {name for layer in first for name in layer}
    for name, parameter in pipe.named_parameters():
        if name in frozen:
            parameter.requires_grad_(False)
    # From the top: the last layers are the first group.
    size = -(-len(known) // settings.groups) or 1
    place = {name: at // size for at, layer in enumerate(reversed(known)) for name in layer}
    paces = {f"pipe.{name}": settings.lr_scale * settings.lr_decay ** place.get(name, 0) for name in names.values() if name in learnt}
    if not settings.unfreeze_epochs:
        return Plan(paces)
    turns = sorted({place[name] for name in frozen if name in place})
    late = {name: settings.unfreeze_epochs * (1 + turns.index(place[name])) for name in frozen if name in place}
    return Plan(paces, {f"pipe.{name}": epoch for name, epoch in late.items()})


def layers(model: nn.Module) -> list[list[nn.Module]]:
    """The layers of a network from its input on; what has no matrix or kernel of its own, such as a norm, belongs to the layer before it.

    Args:
        model: whose parts stand in the order in which they are used.

    Returns:
        Modules with parameters of their own, by layer.
    """
    found: list[list[nn.Module]] = []
    for part in model.modules():
        own = list(part.parameters(recurse=False))
        if own and (not found or any(p.ndim > 1 for p in own)):
            found.append([part])
        elif own:
            found[-1].append(part)
    return found


def _others(pipe: Pipe, beginnings: tuple[str, ...]) -> set[str]:
    """Names of the parameters outside of some parts."""
    names = [name for name, _ in pipe.named_parameters()]
    for each in beginnings:
        if not any(name == each or name.startswith(f"{each}.") for name in names):
            parts = [name for name, _ in pipe.named_modules() if name]
            raise RequestError(f"recipe.transfer.learn names {each!r}, which is no part of the network{nearest(each, parts)}")
    return {name for name in names if not any(name == each or name.startswith(f"{each}.") for each in beginnings)}
