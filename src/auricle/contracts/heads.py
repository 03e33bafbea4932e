"""The battery for heads: `hidden [B, D, M], length [B] -> logits [B, K]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from auricle.contracts._modules import Subject, full, module_checks, same, settled
from auricle.contracts._signature import docstring, signature
from auricle.contracts._stream import chunkings, flat, interleaved
from auricle.contracts._verdict import Check, Verdict, demand, verdicts

_DIM, _CLASSES = 12, 5


def heads(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on a head.

    Args:
        make: its class, or a partial of it; called with `dim, classes`.

    Yields:
        One verdict a check.
    """
    yield from verdicts(_checks(make))


def _checks(make: Callable[..., Any]) -> Iterator[Check]:
    yield "made", lambda: _made(make)
    head = make(_DIM, _CLASSES)
    subject = Subject(lambda: _module(make), _hidden, _call, steps=24, shortest=1)
    yield "signature", lambda: signature(make, ("dim", "classes"))
    yield "shape", lambda: _shape(make)
    yield "logits", lambda: _logits(subject)
    yield "empty row", lambda: _empty(subject)
    yield from module_checks(subject)
    if not head.streamable:
        yield "stream", lambda: _refusal(make)
        return
    yield "stream", lambda: _stream(subject, window=0)
    yield "stream window", lambda: _stream(subject, window=5)
    yield "two streams", lambda: interleaved(settled(subject), _hidden(2, 12), stride=1)
    yield "stream state", lambda: flat(settled(subject), lambda steps: _hidden(2, steps), steps=4)


def _module(make: Callable[..., Any]) -> nn.Module:
    module = make(_DIM, _CLASSES)
    demand(isinstance(module, nn.Module), "it is not a torch.nn.Module; derive the class from nn.Module")
    assert isinstance(module, nn.Module)
    return module


def _made(make: Callable[..., Any]) -> str:
    module = _module(make)
    for name, kind in {"dim": int, "streamable": bool}.items():
        demand(isinstance(getattr(module, name, None), kind), f"it has no attribute {name} of type {kind.__name__}; add it")
    return f"{sum(p.numel() for p in module.parameters()):,} parameters for {_DIM} features and {_CLASSES} classes"


def _hidden(rows: int, steps: int) -> Tensor:
    return torch.randn(rows, _DIM, steps, generator=torch.Generator().manual_seed(rows * 1000 + steps))


def _call(module: nn.Module, x: Tensor, length: Tensor) -> tuple[Tensor, None]:
    return module(x, length), None


@torch.no_grad()
def _shape(make: Callable[..., Any]) -> str:
    for dim, classes, steps in ((_DIM, _CLASSES, 1), (3, 2, 7), (64, 50, 30)):
        logits = make(dim, classes).eval()(torch.randn(2, dim, steps), torch.tensor([steps, 1]))
        demand(tuple(logits.shape) == (2, classes), f"hidden [2, {dim}, {steps}] gave {list(logits.shape)}; wanted [B, K] = [2, {classes}]")
    return "[B, D, M] gives [B, K]"


@torch.no_grad()
def _logits(subject: Subject) -> str:
    logits, _ = subject.call(settled(subject), 20.0 * subject.inputs(8, 24), full(8, 24))
    total = logits.exp().sum(-1)
    demand(not bool(((total - 1).abs() < 1e-3).all()), "the exponentials of each row sum to 1: these are log probabilities; give logits")
    squashed = bool((logits >= 0).all()) and bool((logits <= 1).all())
    demand(not squashed, "everything lies in [0, 1]: these look like probabilities; give logits, the sigmoid or softmax is not the head's")
    return "logits, not probabilities"


@torch.no_grad()
def _empty(subject: Subject) -> str:
    logits, _ = subject.call(settled(subject), subject.inputs(2, 6), torch.tensor([6, 0]))
    demand(bool(logits.isfinite().all()), "a row without a valid step gives values that are not finite; clamp the count to 1")
    return "a row without a valid step gives finite logits"


@torch.no_grad()
def _stream(subject: Subject, *, window: int) -> str:
    module: Any = settled(subject)
    hidden = subject.inputs(2, 21)
    slow = []
    for last in range(1, 22):  # the obvious way: the whole clip's answer over the steps that count
        seen = hidden[..., max(0, last - window) if window else 0 : last]
        slow.append(subject.call(module, seen, full(2, seen.shape[-1]))[0])
    wanted = torch.stack(slow, dim=-1)  # [B, K, M]
    worst = 0.0
    for sizes in chunkings(21):
        state, found, at = module.start(2, window), [], 0
        for size in sizes:
            logits, state = module.step(hidden[..., at : at + size], state)
            demand(tuple(logits.shape) == (2, _CLASSES, size), f"{size} steps gave {list(logits.shape)}; wanted [B, K, M]")
            found.append(logits)
            at += size
        over = f"the last {window} steps" if window else "all steps so far"
        worst = max(worst, same(torch.cat(found, dim=-1), wanted, f"a stream's logits differ from forward over {over} by {{difference}}"))
    return f"each step's logits equal forward over {f'the last {window}' if window else 'all'} steps, to {worst:.0e}"


def _refusal(make: Callable[..., Any]) -> str:
    demand("stream" in docstring(make), "streamable is False; the docstring must say why it does not stream")
    return "does not stream, and its docstring says why"
