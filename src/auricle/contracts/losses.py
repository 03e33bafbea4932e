"""The battery for losses: `logits [B, K], target [B] or [B, K] -> loss []`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from auricle.contracts._modules import same
from auricle.contracts._signature import signature
from auricle.contracts._verdict import Check, Verdict, demand, verdicts

_ROWS, _CLASSES = 6, 4


def losses(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on a loss.

    Args:
        make: its class, or a partial of it; called without arguments.

    Yields:
        One verdict a check.
    """
    yield from verdicts(_checks(make))


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
    demand(isinstance(make(), nn.Module), "it is not a torch.nn.Module; derive the class from nn.Module")
    return "made without arguments"


def _logits() -> Tensor:
    return torch.randn(_ROWS, _CLASSES, generator=torch.Generator().manual_seed(0))


def _target() -> Tensor:
    return torch.arange(_ROWS) % _CLASSES


def _hot() -> Tensor:
    return nn.functional.one_hot(_target(), _CLASSES).float()


def _shape(make: Callable[..., Any]) -> str:
    for target in (_target(), _hot(), 0.7 * _hot() + 0.3 * _hot().roll(1, 0)):
        loss = make()(_logits(), target)
        demand(loss.shape == (), f"a target of shape {list(target.shape)} gave {list(loss.shape)}; wanted a scalar, the mean over rows")
        demand(bool(loss.isfinite()), f"a target of shape {list(target.shape)} gave {float(loss)}")
    return "indices, one-hot and mixed rows give a finite scalar"


def _rows(make: Callable[..., Any]) -> str:
    loss = make()
    same(loss(_logits(), _hot()), loss(_logits(), _target()), "class indices and the same targets as one-hot rows differ by {difference}")
    return "class indices and one-hot rows agree"


def _gradients(make: Callable[..., Any]) -> str:
    for target in (_target(), _hot()):
        logits = _logits().requires_grad_()
        torch.autograd.backward(make()(logits, target))
        demand(logits.grad is not None and bool(logits.grad.isfinite().all()), "the gradient of the logits is missing or not finite")
        assert logits.grad is not None
        demand(bool(logits.grad.any(-1).all()), "some rows get no gradient")
    return "every row of logits gets a finite gradient"


def _direction(make: Callable[..., Any]) -> str:
    loss = make()
    worse, better = float(loss(_logits(), _hot())), float(loss(_logits() + _hot(), _hot()))
    demand(better < worse, f"logits nearer to the target have a loss of {better:.3g}, farther ones {worse:.3g}; less must be better")
    return "logits nearer to the target have less loss"


def _mean(make: Callable[..., Any]) -> str:
    loss = make()
    order = torch.arange(_ROWS - 1, -1, -1)
    same(loss(_logits()[order], _hot()[order]), loss(_logits(), _hot()), "the order of rows changes the loss by {difference}")
    twice = loss(_logits().repeat(2, 1), _hot().repeat(2, 1))
    same(twice, loss(_logits(), _hot()), "the same rows twice change the loss by {difference}; take the mean over rows, not the sum")
    return "the mean over rows, in any order"


def _extremes(make: Callable[..., Any]) -> str:
    for value in (1e4, -1e4):
        logits = (value * _hot()).requires_grad_()
        loss = make()(logits, _hot())
        torch.autograd.backward(loss)
        finite = bool(loss.isfinite()) and logits.grad is not None and bool(logits.grad.isfinite().all())
        demand(finite, f"logits of {value:g} give a loss of {loss.item()} or a gradient that is not finite; use log_softmax or logsigmoid")
    return "logits of ±10000 give finite losses and gradients"


def _untouched(make: Callable[..., Any]) -> str:
    logits, target = _logits(), _hot()
    make()(logits, target)
    demand(bool(torch.equal(logits, _logits())) and bool(torch.equal(target, _hot())), "logits or target were changed in place")
    return "logits and target stay as they were"
