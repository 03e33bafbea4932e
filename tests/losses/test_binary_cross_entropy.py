"""Binary cross entropy against its definition in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from auricle.losses.binary_cross_entropy import BinaryCrossEntropy


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_equals_the_definition(smoothing: float) -> None:
    g = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(9, 5, generator=g)
    target = torch.rand(9, 5, generator=g)
    p, y = 1 / (1 + np.exp(-logits.double().numpy())), target.double().numpy() * (1 - smoothing) + smoothing / 2
    wanted = np.mean([-(y[i, k] * np.log(p[i, k]) + (1 - y[i, k]) * np.log(1 - p[i, k])) for i in range(9) for k in range(5)])
    assert float(BinaryCrossEntropy(label_smoothing=smoothing)(logits, target)) == pytest.approx(wanted, rel=1e-5)


def test_indices_are_rows_with_one_label() -> None:
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    index = torch.tensor([0, 1, 2, 3, 3, 0])
    rows = torch.nn.functional.one_hot(index, 4).float()
    assert torch.equal(BinaryCrossEntropy()(logits, index), BinaryCrossEntropy()(logits, rows))


def test_sure_and_wrong_stays_finite() -> None:
    logits = torch.tensor([[1e4, -1e4]], requires_grad=True)
    loss = BinaryCrossEntropy()(logits, torch.tensor([[0.0, 1.0]]))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(1e4)
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())
