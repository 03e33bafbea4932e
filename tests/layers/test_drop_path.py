"""Whole rows are dropped, in training only, and the mean is kept."""

from __future__ import annotations

import torch

from auricle.layers.drop_path import DropPath


def test_drops_whole_rows_and_keeps_the_mean():
    torch.manual_seed(0)
    path = DropPath(0.25)
    out = path.train()(torch.ones(4000, 2, 3))
    rows = out.flatten(1)
    assert bool((rows == rows[:, :1]).all())
    assert set(rows[:, 0].unique().tolist()) == {0.0, float(torch.tensor(4 / 3))}
    assert abs(float(out.mean()) - 1) < 0.05
    assert bool((path.eval()(torch.ones(5, 2)) == 1).all())
