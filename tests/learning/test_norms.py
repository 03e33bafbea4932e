"""Norms of a short run end at the statistics of the weights they belong to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from auricle.learning import experiment
from auricle.learning.experiment import Prepared
from auricle.learning.loop import Training
from auricle.learning.norms import SlowNorms


@pytest.mark.parametrize(
    ("own", "steps", "wanted"), [(0.01, 400, 0.025), (0.01, 50, 0.1), (0.01, 5000, 0.01), (0.1, 20, 0.1), (0.5, 20, 0.5)]
)
def test_a_tenth_of_the_run_but_never_slower_than_they_are(own: float, steps: int, wanted: float) -> None:
    norm = nn.BatchNorm2d(3, momentum=own)
    slow = SlowNorms(nn.Sequential(norm))
    slow.fit(10**6)
    slow.fit(steps)
    assert norm.momentum == pytest.approx(wanted)


def test_one_that_counts_evenly_is_left() -> None:
    norm = nn.BatchNorm1d(3, momentum=None)
    SlowNorms(norm).fit(10)
    assert norm.momentum is None


def test_in_a_run_of_few_steps_they_end_as_usual_ones_do(tmp_path: Path, prepare: Callable[..., Prepared]) -> None:
    """Up to 100 steps, those of EfficientAT and torch's usual ones end at the same statistics."""
    ready = prepare(epochs=3, ema=0.0)
    ends = []
    for momentum in (0.01, 0.1):
        pipe = experiment.training(ready).objective.pipe
        for part in pipe.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = momentum
        run = Training(pipe, ready.feed, ready.division.train, ready.division.dev)
        assert 3 * run.steps < 100
        ends.append(run.run(tmp_path / str(momentum), lambda at, loss: None).state_dict())
    assert all(torch.equal(a, b) for a, b in zip(*(end.values() for end in ends), strict=True))
