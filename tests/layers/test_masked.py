"""Padding is silence."""

from __future__ import annotations

import torch

from auricle.layers.masked import masked, valid


def test_by_hand() -> None:
    assert valid(torch.tensor([0, 2, 3]), 3).tolist() == [[False] * 3, [True, True, False], [True] * 3]
    x = torch.arange(1.0, 13.0).view(2, 2, 3)
    assert masked(x, torch.tensor([1, 2])).tolist() == [[[1, 0, 0], [4, 0, 0]], [[7, 8, 0], [10, 11, 0]]]
    assert masked(torch.ones(2, 4, 5, 3), torch.tensor([1, 3])).sum((1, 2, 3)).tolist() == [20, 60]
