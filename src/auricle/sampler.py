"""In which order an epoch visits the training clips, and how often each class comes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import torch

from auricle.types import Item

Sampler = Literal["shuffle", "balanced", "square_root", "round_robin"]


def order(items: Sequence[Item], how: Sampler, chance: torch.Generator) -> list[int]:
    """Positions of as many clips as there are items.

    Args:
        items: training items.
        how: "shuffle", each clip once; "balanced", drawn with replacement so that all classes come equally often; "square_root", so that
            a class comes in proportion to the root of its clips; "round_robin", a clip of each class in turn, the classes of each round
            shuffled, a class's clips used up before any comes again (Kong et al. 2020, section 4.2). A clip of several labels stands for
            each of them, and where annotators divide, for each by its share of the votes (in turns, for the most voted).
        chance: decides.

    Returns:
        Positions in `items`.
    """
    if how == "shuffle":
        return [int(i) for i in torch.randperm(len(items), generator=chance)]
    if how == "round_robin":
        clips: dict[str, list[int]] = {}
        for position, item in enumerate(items):
            for label in item.target[: 1 if item.votes else None] or ("",):
                clips.setdefault(label, []).append(position)
        return _rounds(list(clips.values()), len(items), chance)
    power = 1.0 if how == "balanced" else 0.5
    shares = [item.shares or {"": 1.0} for item in items]
    mass: dict[str, float] = defaultdict(float)
    for label, share in (pair for each in shares for pair in each.items()):
        mass[label] += share
    weight = torch.tensor([sum(share * mass[label] ** -power for label, share in each.items()) for each in shares])
    return [int(i) for i in torch.multinomial(weight, len(items), replacement=True, generator=chance)]


def _rounds(classes: list[list[int]], count: int, chance: torch.Generator) -> list[int]:
    waiting: list[list[int]] = [[] for _ in classes]
    drawn: list[int] = []
    while len(drawn) < count:
        for each in torch.randperm(len(classes), generator=chance).tolist():
            if not waiting[each]:
                waiting[each] = [classes[each][i] for i in torch.randperm(len(classes[each]), generator=chance).tolist()]
            drawn.append(waiting[each].pop())
    return drawn[:count]
