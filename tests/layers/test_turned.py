"""Rows backwards: only what is valid, and back again."""

from __future__ import annotations

import torch

from auricle.layers.turned import turned


def test_only_valid_steps_turn_and_twice_is_nothing():
    sequence, length = torch.arange(24.0).reshape(2, 6, 2), torch.tensor([6, 4])
    once = turned(sequence, length)
    assert torch.equal(once[0], sequence[0].flip(0))
    assert torch.equal(once[1, :4], sequence[1, :4].flip(0))
    assert torch.equal(once[1, 4:], sequence[1, 4:])
    assert torch.equal(turned(once, length), sequence)
