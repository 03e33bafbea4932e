"""The optimizer, what each of its groups decays and how fast it goes, and the step that looks for flat places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from auricle.settings import Train


def optimizer(module: nn.Module, settings: Train, paces: Mapping[str, float], late: Mapping[str, float]) -> Optimizer:
    """The recipe's optimizer: weight decay on matrices and kernels, none on biases and norms.

    Args:
        module: whose parameters learn; a part's attribute `pace` speeds its own up, undecayed.
        settings: which optimizer, and how.
        paces: learning rates of single parameters by name, in units of the recipe's.
        late: parameters that don't learn yet, by name.

    Returns:
        An optimizer whose groups carry their `pace`.
    """
    own = {id(p): float(part.pace) for part in module.modules() if hasattr(part, "pace") for p in part.parameters()}  # type: ignore[arg-type]
    alike: dict[tuple[float, float], list[Tensor]] = {(1.0, settings.weight_decay): []}  # first, for the log tells its rate
    for name, parameter in module.named_parameters():
        if parameter.requires_grad or name in late:
            decay = settings.weight_decay if parameter.ndim > 1 and id(parameter) not in own else 0.0
            pace = own.get(id(parameter), 1.0) * paces.get(name, 1.0)
            alike.setdefault((pace, decay), []).append(parameter)
    groups: list[dict[str, Any]] = [{"params": p, "weight_decay": decay, "pace": pace} for (pace, decay), p in alike.items()]
    if settings.optimizer == "sgd":
        return SGD(groups, lr=settings.lr, momentum=settings.momentum, nesterov=settings.momentum > 0)
    return (Adam if settings.optimizer == "adam" else AdamW)(groups, lr=settings.lr)


@contextmanager
def uphill(module: nn.Module, radius: float) -> Iterator[None]:
    """Weights moved by `radius` along their gradient, then put back: sharpness-aware minimisation (Foret et al. 2021, equation 2).

    The gradients taken inside are those to step by. Norms keep their running statistics meanwhile.

    Args:
        module: whose parameters hold gradients.
        radius: rho, length of the move over all parameters together.

    Yields:
        Nothing; the gradients are cleared.
    """
    moved = [p for p in module.parameters() if p.grad is not None]
    kept = [p.detach().clone() for p in moved]
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.training]
    momenta = [part.momentum for part in norms]
    with torch.no_grad():
        gradients: Sequence[Tensor] = [p.grad for p in moved if p.grad is not None]
        length = torch.stack([g.norm() for g in gradients]).norm() if gradients else torch.zeros(())
        for parameter, gradient in zip(moved, gradients, strict=True):
            parameter.add_(gradient, alpha=radius / float(length.clamp(min=1e-12)))
    for parameter in moved:
        parameter.grad = None
    for part in norms:
        part.momentum = 0.0
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, before in zip(moved, kept, strict=True):
                parameter.copy_(before)
        for part, momentum in zip(norms, momenta, strict=True):
            part.momentum = momentum
