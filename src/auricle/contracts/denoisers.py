"""The battery for denoisers: `wave [B, T], length [B] -> wave [B, T]`, and the same as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from auricle.contracts._modules import Subject, full, module_checks, same, settled
from auricle.contracts._signature import signature
from auricle.contracts._stream import chunkings, flat, interleaved, streamed
from auricle.contracts._verdict import Check, Verdict, demand, verdicts

_RATE = 8000


def denoisers(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on a denoiser.

    Args:
        make: its class, or a partial of it; called with `sample_rate`.

    Yields:
        One verdict a check.
    """
    yield from verdicts(_checks(make))


def _checks(make: Callable[..., Any]) -> Iterator[Check]:
    yield "made", lambda: _made(make)
    hop = int(make(_RATE).hop)
    subject = Subject(lambda: _module(make), _wave, _call, steps=12 * hop, shortest=1, unit=hop)
    yield "signature", lambda: signature(make, ("sample_rate",))
    yield from module_checks(subject)
    yield "stream", lambda: _stream(subject)
    yield "two streams", lambda: interleaved(settled(subject), _wave(2, 8 * hop), stride=hop)
    yield "stream state", lambda: flat(settled(subject), lambda steps: _wave(2, steps), steps=2 * hop)


def _module(make: Callable[..., Any]) -> nn.Module:
    module = make(_RATE)
    demand(isinstance(module, nn.Module), "it is not a torch.nn.Module; derive the class from nn.Module")
    assert isinstance(module, nn.Module)
    return module


def _made(make: Callable[..., Any]) -> str:
    module = _module(make)
    for name, least in (("hop", 1), ("delay", 0)):
        value = getattr(module, name, None)
        demand(isinstance(value, int) and value >= least, f"its attribute {name} is {value!r}; wanted samples, at least {least}")
    return f"{sum(p.numel() for p in module.parameters()):,} parameters, {module.hop} samples a step, {module.delay} late"


def _wave(rows: int, samples: int) -> Tensor:
    return 0.1 * torch.randn(rows, samples, generator=torch.Generator().manual_seed(rows * 1000 + samples))


def _call(module: nn.Module, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    made = module(x, length)
    demand(made.shape == x.shape, f"{list(x.shape)} samples gave {list(made.shape)}; wanted as many")
    return made, length


@torch.no_grad()
def _stream(subject: Subject) -> str:
    module = settled(subject)
    steps = 14
    x = _wave(2, steps * module.hop)
    whole = module(x, full(2, x.shape[-1]))
    wanted = whole[:, : x.shape[-1] - module.delay]
    worst = 0.0
    for sizes in chunkings(steps):
        found = streamed(module, x, [s * module.hop for s in sizes])
        demand(found.shape == x.shape, f"a stream of {x.shape[-1]} samples gave {found.shape[-1]}; wanted as many")
        sentence = f"in chunks of {sizes[:4]}… hops the stream, {module.delay} samples later, differs from the whole clip by {{difference}}"
        worst = max(worst, same(found[:, module.delay :], wanted, sentence))
    return f"six chunkings equal the whole clip, {module.delay} samples later, to {worst:.0e}"
