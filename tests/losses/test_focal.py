"""Focal loss against its definition in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from auricle.errors import RequestError
from auricle.losses.cross_entropy import CrossEntropy
from auricle.losses.focal import Focal


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_equals_the_definition(gamma: float) -> None:
    g = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(15, 6, generator=g)
    rows = torch.rand(15, 6, generator=g)
    rows /= rows.sum(-1, keepdim=True)
    index = torch.randint(6, (15,), generator=g)
    for target, y in ((rows, rows.double().numpy()), (index, np.eye(6)[index.numpy()])):
        total = 0.0
        for i, z in enumerate(logits.double().numpy()):
            p = np.exp(z) / np.exp(z).sum()
            total -= sum(y[i, k] * (1 - p[k]) ** gamma * math.log(p[k]) for k in range(6))
        assert float(Focal(gamma=gamma)(logits, target)) == pytest.approx(total / 15, rel=1e-5)


def test_gamma_zero_is_cross_entropy() -> None:
    logits, index = torch.randn(8, 3, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    torch.testing.assert_close(Focal(gamma=0.0)(logits, index), CrossEntropy(label_smoothing=0.0)(logits, index))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_gradient_is_finite_where_all_is_certain(gamma: float) -> None:
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    Focal(gamma=gamma)(logits, torch.tensor([0, 0])).backward()
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())
    assert float(logits.grad[1].abs().max()) > 0.4


def test_a_negative_gamma_is_told() -> None:
    with pytest.raises(RequestError, match=r"loss\.gamma is -1; wanted at least 0"):
        Focal(gamma=-1.0)
