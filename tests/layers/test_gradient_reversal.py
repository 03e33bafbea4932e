"""The identity forth, the negative back."""

from __future__ import annotations

import pytest
import torch

from auricle.layers.gradient_reversal import gradient_reversal


@pytest.mark.parametrize("strength", [0.0, 0.3, 2.0])
def test_values_stay_and_gradients_turn(strength: float) -> None:
    values = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weight = torch.arange(6.0).reshape(2, 3)
    out = gradient_reversal(values, strength)
    assert torch.equal(out, values)
    torch.autograd.backward((out * weight).sum())
    assert values.grad is not None
    assert torch.allclose(values.grad, -strength * weight)
