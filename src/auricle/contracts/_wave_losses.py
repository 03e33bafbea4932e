"""What a loss of waves must do: `wave [B, T], target [B, T], length [B] -> loss []`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from auricle.contracts._modules import same
from auricle.contracts._signature import signature
from auricle.contracts._verdict import Check, demand

_ROWS, _SAMPLES = 5, 3000


def checks(make: Callable[..., Any]) -> Iterator[Check]:
    """The checks, in place of those of losses over labels.

    Args:
        make: its class, or a partial of it; called without arguments.

    Yields:
        Name and check.
    """
    yield "made", lambda: _made(make)
    yield "signature", lambda: signature(make, ())
    yield "gradients", lambda: _gradients(make)
    yield "better is less", lambda: _direction(make)
    yield "mean over rows", lambda: _mean(make)
    yield "padding", lambda: _padding(make)
    yield "silence", lambda: _silence(make)


def _made(make: Callable[..., Any]) -> str:
    demand(isinstance(make(), nn.Module), "it is not a torch.nn.Module; derive the class from nn.Module")
    return "made without arguments"


def _waves() -> tuple[Tensor, Tensor, Tensor]:
    """Noisy rows, the clean ones, and valid samples."""
    chance = torch.Generator().manual_seed(0)
    clean = 0.1 * torch.randn(_ROWS, _SAMPLES, generator=chance)
    noise = 0.1 * torch.randn(_ROWS, _SAMPLES, generator=chance)
    return clean + noise, clean, torch.full((_ROWS,), _SAMPLES)


def _gradients(make: Callable[..., Any]) -> str:
    noisy, clean, length = _waves()
    for wave in (noisy, clean.clone(), torch.zeros_like(noisy), 1e3 * noisy):
        wave.requires_grad_()
        loss = make()(wave, clean, length)
        demand(loss.shape == (), f"it gave {list(loss.shape)}; wanted a scalar, the mean over rows")
        torch.autograd.backward(loss)
        finite = bool(loss.isfinite()) and wave.grad is not None and bool(wave.grad.isfinite().all())
        demand(finite, "noisy, perfect, silent or loud waves give a loss or a gradient that is not finite")
    assert noisy.grad is not None
    demand(bool(noisy.grad.any(-1).all()), "some rows get no gradient")
    return "noisy, perfect, silent and loud waves give finite losses and gradients"


def _direction(make: Callable[..., Any]) -> str:
    noisy, clean, length = _waves()
    found = [float(make()(clean + share * (noisy - clean), clean, length)) for share in (0.0, 0.1, 1.0)]
    demand(found[0] < found[1] < found[2], f"with all, a tenth and none of the noise gone the loss is {found[::-1]}; less must be better")
    return f"from {found[2]:.3g} of noisy waves to {found[0]:.3g} of clean ones"


def _mean(make: Callable[..., Any]) -> str:
    noisy, clean, length = _waves()
    once = make()(noisy, clean, length)
    same(make()(noisy.flip(0), clean.flip(0), length), once, "the order of rows changes the loss by {difference}")
    twice = make()(noisy.repeat(2, 1), clean.repeat(2, 1), length.repeat(2))
    same(twice, once, "the same rows twice change the loss by {difference}; take the mean over rows, not the sum")
    return "the mean over rows, in any order"


def _padding(make: Callable[..., Any]) -> str:
    noisy, clean, length = _waves()
    length = length - 500 * torch.arange(_ROWS)
    wanted = make()(noisy, clean, length)
    behind = torch.arange(_SAMPLES)[None] >= length[:, None]
    found = make()(torch.where(behind, 3.0, noisy), torch.where(behind, -2.0, clean), length)
    same(found, wanted, "what stands behind a row's length changes the loss by {difference}")
    return "what stands behind a row's length never counts"


def _silence(make: Callable[..., Any]) -> str:
    noisy, clean, length = _waves()
    wanted = make()(noisy[1:], clean[1:], length[1:])
    quiet = clean * (torch.arange(_ROWS) > 0)[:, None]
    same(make()(noisy, quiet, length), wanted, "a row whose clean wave is silent changes the loss by {difference}; leave it out")
    return "a row whose clean wave is silent is left out"
