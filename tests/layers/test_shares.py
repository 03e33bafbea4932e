"""Shares of attention: a softmax of each row alone, nothing for padding, and never undefined."""

from __future__ import annotations

import torch

from auricle.layers.shares import shares


def test_each_row_is_the_softmax_of_its_own_steps():
    score = torch.randn(3, 2, 7, generator=torch.Generator().manual_seed(0))
    found = shares(score, torch.tensor([7, 3, 0]))
    assert torch.allclose(found[0], score[0].softmax(-1))
    assert torch.allclose(found[1, :, :3], score[1, :, :3].softmax(-1))
    assert found[1, :, 3:].eq(0).all()
    assert found[2, :, 0].eq(1).all()
