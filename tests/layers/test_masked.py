"""Padding is silence."""

from __future__ import annotations

import torch

from auricle.layers.masked import masked, valid


def test_by_hand() -> None:
    assert valid(torch.tensor([0, 2, 3]), 3).tolist() == [[False] * 3, [True, True, False], [True] * 3]
    x = torch.arange(1.0, 13.0).view(2, 2, 3)
    assert masked(x, torch.tensor([1, 2])).tolist() == [[[1, 0, 0], [4, 0, 0]], [[7, 8, 0], [10, 11, 0]]]
    assert masked(torch.ones(2, 4, 5, 3), torch.tensor([1, 3])).sum((1, 2, 3)).tolist() == [20, 60]


def test_however_a_map_lies_in_memory() -> None:
    x, length = torch.randn(2, 24, 5, 7), torch.tensor([3, 7])
    wanted = torch.stack([torch.cat([row[..., :n], torch.zeros(24, 5, 7 - n)], -1) for row, n in zip(x, length.tolist(), strict=True)])
    for each in (x, x.contiguous(memory_format=torch.channels_last), x.bfloat16().contiguous(memory_format=torch.channels_last)):
        found = masked(each.requires_grad_(), length)
        assert torch.equal(found, wanted.to(each.dtype))
        assert torch.equal(torch.autograd.grad(found.sum(), each)[0] != 0, (wanted != 0))
        assert found.is_contiguous(memory_format=torch.channels_last) or each is x


def test_whole_rows_are_left_as_they_are() -> None:
    x = torch.randn(2, 3, 4)
    assert masked(x, torch.tensor([4, 5])) is x
