"""Streams: a clip cut anywhere gives the whole clip's answer, streams don't know each other, and their state stays small."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from auricle.contracts._verdict import demand


def chunkings(total: int) -> list[list[int]]:
    """Six ways to cut so many units: singly, whole, in halves, and at random.

    Args:
        total: units, 2 at least.

    Returns:
        Lists of sizes that sum to the total.
    """
    rng = random.Random(total)
    cuts = [sorted(rng.sample(range(1, total), k=min(total - 1, k))) for k in (2, total // 4 + 1, total // 2)]
    ragged = [[b - a for a, b in zip([0, *c], [*c, total], strict=True)] for c in cuts]
    return [[1] * total, [total], [total // 2, total - total // 2], *ragged]


@torch.no_grad()
def streamed(module: Any, x: Tensor, sizes: list[int]) -> Tensor:
    """A component's answers to a clip that comes in chunks, joined.

    Args:
        module: has `start(rows)` and `step(x, state)`.
        x: [B, …, T] the clip.
        sizes: of the chunks.

    Returns:
        [B, …, M] answers.
    """
    state = module.start(x.shape[0])
    answers = []
    at = 0
    for size in sizes:
        answer, state = module.step(x[..., at : at + size], state)
        answers.append(answer)
        at += size
    return torch.cat(answers, dim=-1)


@torch.no_grad()
def interleaved(module: Any, x: Tensor, *, stride: int) -> str:
    """Two streams that take turns give what each gives alone, and so does a state that is used twice.

    Args:
        module: has `start(rows)` and `step(x, state)`.
        x: [2, …, T] two clips.
        stride: size of a chunk.

    Returns:
        What was found.

    Raises:
        BrokenContractError: they disturb each other.
    """
    sizes = [stride] * (x.shape[-1] // stride)
    alone = [streamed(module, x[i : i + 1], sizes) for i in range(2)]
    states = [module.start(1), module.start(1)]
    answers: list[list[Tensor]] = [[], []]
    for k in range(len(sizes)):
        for i in range(2):
            chunk = x[i : i + 1, ..., k * stride : (k + 1) * stride]
            before = {name: value.clone() for name, value in states[i].items()}
            answer, after = module.step(chunk, states[i])
            changed = [name for name, value in states[i].items() if not torch.equal(value, before[name])]
            demand(not changed, f"step changed {', '.join(changed)} of the state it was given; return a new tensor")
            answers[i].append(answer)
            states[i] = after
    for i in range(2):
        equal = torch.equal(torch.cat(answers[i], dim=-1), alone[i])
        demand(equal, "a stream's answer depends on another stream; keep nothing in the module between steps")
    return "two streams that take turns give what each gives alone"


@torch.no_grad()
def flat(module: Any, inputs: Callable[[int], Tensor], *, steps: int) -> str:
    """The state is a flat dict of tensors, batch first, of constant shape.

    Args:
        module: has `start(rows)` and `step(x, state)`.
        inputs: `steps -> [2, …, T]` chunks.
        steps: a legal chunk.

    Returns:
        The state's size.

    Raises:
        BrokenContractError: it isn't.
    """
    state = module.start(2)
    demand(isinstance(state, dict), f"start gave a {type(state).__name__}; wanted a flat dict of tensors")
    shapes = {}
    for name, value in state.items():
        demand(isinstance(value, Tensor), f"state {name} is a {type(value).__name__}; wanted a tensor")
        demand(value.ndim > 0 and value.shape[0] == 2, f"state {name} is {list(value.shape)}; wanted one row a stream, first")
        shapes[name] = value.shape
    for _ in range(3):
        _, state = module.step(inputs(steps), state)
        demand({k: v.shape for k, v in state.items()} == shapes, "the state's names or shapes changed from step to step; it must not grow")
    size = sum(value[:1].numel() for value in state.values())
    return f"{len(shapes)} tensors, {size:,} numbers a stream, of constant shape"
