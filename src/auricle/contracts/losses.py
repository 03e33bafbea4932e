"""The battery for losses: `logits [B, K], target [B] or [B, K] -> loss []`, with what else they need by name; of waves, their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from auricle.contracts import _wave_losses
from auricle.contracts._modules import same
from auricle.contracts._signature import signature
from auricle.contracts._verdict import Check, Verdict, demand, verdicts

_ROWS, _CLASSES, _DIM = 6, 4, 5
_KNOWN = ("teacher", "embedding", "domain", "progress")


def losses(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on a loss.

    Args:
        make: its class, or a partial of it; called without arguments.

    Yields:
        One verdict a check.
    """
    kind = make.func if isinstance(make, partial) else make
    yield from verdicts(_wave_losses.checks(make) if "wave" in getattr(kind, "kinds", ()) else _checks(make))


def _checks(make: Callable[..., Any]) -> Iterator[Check]:
    yield "made", lambda: _made(make)
    yield "signature", lambda: signature(make, ())
    yield "shape", lambda: _shape(make)
    yield "indices and rows", lambda: _rows(make)
    yield "gradients", lambda: _gradients(make)
    yield "better is less", lambda: _direction(make)
    yield "mean over rows", lambda: _mean(make)
    yield "extreme logits", lambda: _extremes(make)
    yield "inputs untouched", lambda: _untouched(make)


def _made(make: Callable[..., Any]) -> str:
    loss = make()
    demand(isinstance(loss, nn.Module), "it is not a torch.nn.Module; derive the class from nn.Module")
    unknown = [name for name in getattr(loss, "needs", ()) if name not in _KNOWN]
    demand(not unknown, f"it needs {', '.join(unknown)}; what can be given is {', '.join(_KNOWN)}")
    return "made without arguments"


def _ready(make: Callable[..., Any], order: Tensor | None = None) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss, given what it needs beside logits and target, its rows in this order."""
    torch.manual_seed(0)
    loss = make()
    if hasattr(loss, "build"):
        loss.build(_DIM)
    needs = getattr(loss, "needs", ())
    chance = torch.Generator().manual_seed(1)
    teacher, embedding = torch.randn(_ROWS, _CLASSES, generator=chance), torch.randn(_ROWS, _DIM, generator=chance)
    rows = torch.arange(_ROWS) if order is None else order
    given: dict[str, Any] = {"embedding": embedding[rows], "domain": _domain()[rows], "progress": 0.5}
    if "teacher" in needs:
        given["teacher"] = loss.soften((teacher + 4 * _hot())[rows])

    def call(logits: Tensor, target: Tensor) -> Tensor:
        answer: Tensor = loss(logits, target, **{name: given[name] for name in needs})
        return answer

    return call


def _domain() -> Tensor:
    """Two of the rows are unlabelled ones of the target domain."""
    return torch.arange(_ROWS) >= _ROWS - 2


def _logits() -> Tensor:
    return torch.randn(_ROWS, _CLASSES, generator=torch.Generator().manual_seed(0))


def _target() -> Tensor:
    return torch.arange(_ROWS) % _CLASSES


def _hot() -> Tensor:
    return nn.functional.one_hot(_target(), _CLASSES).float()


def _shape(make: Callable[..., Any]) -> str:
    for target in (_target(), _hot(), 0.7 * _hot() + 0.3 * _hot().roll(1, 0)):
        loss = _ready(make)(_logits(), target).detach()
        demand(loss.shape == (), f"a target of shape {list(target.shape)} gave {list(loss.shape)}; wanted a scalar, the mean over rows")
        demand(bool(loss.isfinite()), f"a target of shape {list(target.shape)} gave {float(loss)}")
    return "indices, one-hot and mixed rows give a finite scalar"


def _rows(make: Callable[..., Any]) -> str:
    loss = _ready(make)
    same(loss(_logits(), _hot()), loss(_logits(), _target()), "class indices and the same targets as one-hot rows differ by {difference}")
    return "class indices and one-hot rows agree"


def _gradients(make: Callable[..., Any]) -> str:
    for target in (_target(), _hot()):
        logits = _logits().requires_grad_()
        torch.autograd.backward(_ready(make)(logits, target))
        demand(logits.grad is not None and bool(logits.grad.isfinite().all()), "the gradient of the logits is missing or not finite")
        assert logits.grad is not None
        labelled = ~_domain() if "domain" in getattr(make(), "needs", ()) else torch.ones(_ROWS, dtype=torch.bool)
        demand(bool(logits.grad.any(-1)[labelled].all()), "some labelled rows get no gradient")
        demand(
            not bool(logits.grad.any(-1)[~labelled].any()), "the logits of unlabelled rows get a gradient from a target that means nothing"
        )
    return "every labelled row of logits gets a finite gradient, and no other"


def _direction(make: Callable[..., Any]) -> str:
    loss = _ready(make)
    worse, better = float(loss(_logits(), _hot()).detach()), float(loss(_logits() + _hot(), _hot()).detach())
    demand(better < worse, f"logits nearer to the target have a loss of {better:.3g}, farther ones {worse:.3g}; less must be better")
    return "logits nearer to the target have less loss"


def _mean(make: Callable[..., Any]) -> str:
    once = _ready(make)(_logits(), _hot())
    order = torch.arange(_ROWS - 1, -1, -1)
    same(_ready(make, order)(_logits()[order], _hot()[order]), once, "the order of rows changes the loss by {difference}")
    if "embedding" in getattr(make(), "needs", ()):
        return "in any order; it compares rows, so that the same rows twice are another batch"
    rows = torch.arange(_ROWS).repeat(2)
    twice = _ready(make, rows)(_logits()[rows], _hot()[rows])
    same(twice, once, "the same rows twice change the loss by {difference}; take the mean over rows, not the sum")
    return "the mean over rows, in any order"


def _extremes(make: Callable[..., Any]) -> str:
    for value in (1e4, -1e4):
        logits = (value * _hot()).requires_grad_()
        loss = _ready(make)(logits, _hot())
        torch.autograd.backward(loss)
        finite = bool(loss.isfinite()) and logits.grad is not None and bool(logits.grad.isfinite().all())
        demand(finite, f"logits of {value:g} give a loss of {loss.item()} or a gradient that is not finite; use log_softmax or logsigmoid")
    return "logits of ±10000 give finite losses and gradients"


def _untouched(make: Callable[..., Any]) -> str:
    logits, target = _logits(), _hot()
    _ready(make)(logits, target)
    demand(bool(torch.equal(logits, _logits())) and bool(torch.equal(target, _hot())), "logits or target were changed in place")
    return "logits and target stay as they were"
