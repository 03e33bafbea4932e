"""Deliberately broken heads, each caught by the check that is there for it."""

from __future__ import annotations

import pytest
import torch

from auricle.contracts.heads import heads
from auricle.heads.mean_pool import MeanPool


class CountsPadding(MeanPool):
    """A mean.

    Args:
        dim: features.
        classes: logits.
    """

    def forward(self, hidden, length):
        return self.linear(hidden.mean(-1))


class GivesProbabilities(MeanPool):
    def forward(self, hidden, length):
        return super().forward(hidden, length).softmax(-1)


class DividesByZero(MeanPool):
    def forward(self, hidden, length):
        valid = (torch.arange(hidden.shape[-1])[None] < length[:, None]).to(hidden.dtype)
        return self.linear((hidden * valid[:, None]).sum(-1) / length[:, None])


class IgnoresTheWindow(MeanPool):
    def start(self, rows, window=0):
        return super().start(rows, 0)


class CountsOneStepTooMany(MeanPool):
    def start(self, rows, window=0):
        state = super().start(rows, window)
        return {**state, "count": state["count"] + 1}


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (CountsPadding, "padding"),
        (CountsPadding, "cutting"),
        (GivesProbabilities, "logits"),
        (DividesByZero, "empty row"),
        (IgnoresTheWindow, "stream window"),
        (CountsOneStepTooMany, "stream"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_the_right_check_fails(kind, check):
    found = {v.name for v in heads(kind) if not v.passed}
    assert check in found
