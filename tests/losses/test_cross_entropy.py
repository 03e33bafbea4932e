"""Cross entropy against its definition in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from auricle.losses.cross_entropy import CrossEntropy


def _slow(logits: torch.Tensor, rows: torch.Tensor, smoothing: float) -> float:
    total = 0.0
    for z, y in zip(logits.double().numpy(), rows.double().numpy(), strict=True):
        log_p = z - z.max() - math.log(np.exp(z - z.max()).sum())
        total -= sum(((1 - smoothing) * y[k] + smoothing * y.sum() / len(z)) * log_p[k] for k in range(len(z)))
    return total / len(logits)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_equals_the_definition(smoothing: float) -> None:
    g = torch.Generator().manual_seed(0)
    logits = 5 * torch.randn(20, 7, generator=g)
    index = torch.randint(7, (20,), generator=g)
    hard = torch.nn.functional.one_hot(index, 7).float()
    mixed = torch.rand(20, 7, generator=g)
    mixed /= mixed.sum(-1, keepdim=True)
    loss = CrossEntropy(label_smoothing=smoothing)
    assert float(loss(logits, index)) == pytest.approx(_slow(logits, hard, smoothing), rel=1e-5)
    assert float(loss(logits, hard)) == pytest.approx(_slow(logits, hard, smoothing), rel=1e-5)
    assert float(loss(logits, mixed)) == pytest.approx(_slow(logits, mixed, smoothing), rel=1e-5)
