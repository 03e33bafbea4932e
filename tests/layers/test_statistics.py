"""Means and deviations are numpy's over the steps that are valid."""

from __future__ import annotations

import numpy as np
import torch

from auricle.layers.statistics import statistics


def test_they_are_of_the_valid_steps_alone():
    hidden = torch.randn(3, 4, 9, generator=torch.Generator().manual_seed(0))
    hidden[1, :, 5:] = float("nan")
    found = statistics(hidden, torch.tensor([9, 5, 1])).numpy()
    for row, count in enumerate([9, 5, 1]):
        inside = hidden[row, :, :count].numpy()
        np.testing.assert_allclose(found[row], np.r_[inside.mean(1), inside.std(1)], atol=2e-5)


def test_a_row_of_one_step_has_a_gradient():
    hidden = torch.ones(1, 2, 3, requires_grad=True)
    statistics(hidden, torch.tensor([1])).sum().backward()
    assert hidden.grad is not None
    assert hidden.grad.isfinite().all()
