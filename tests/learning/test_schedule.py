"""The learning rate: by hand, and beside torch's own schedulers."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from auricle.learning.schedule import rate
from auricle.settings import Train


def test_shape_by_hand() -> None:
    rates = [rate(Train(lr=2.0, warmup=10), s, total=100, steps=1) for s in range(100)]
    assert rates[:10] == [2.0 * (s + 1) / 10 for s in range(10)]
    assert rates[10] == 2.0
    assert math.isclose(rates[55], 1.0)  # half way down the cosine
    assert rates[10:] == sorted(rates[10:], reverse=True)


@given(total=st.integers(1, 500), warmup=st.integers(0, 1000))
def test_every_training_reaches_the_peak_and_the_end(total: int, warmup: int) -> None:
    rates = [rate(Train(lr=1.0, warmup=warmup), s, total=total, steps=1) for s in range(total)]
    assert all(0 < r <= 1 for r in rates)
    assert max(rates) == 1.0
    # The last of n cosine steps is at (n-1)/n of the way.
    down = total - min(warmup, total // 3)
    assert math.isclose(rates[-1], 0.5 * (1 + math.cos(math.pi * (down - 1) / down)))


def _torchs(make, total: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3, momentum=0.9)
    scheduler = make(optimizer)
    rates = []
    for step in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < total - 1:
            scheduler.step()
    return rates


@pytest.mark.parametrize("total", [37, 100, 400])
def test_one_cycle_is_torchs(total: int) -> None:
    wanted = _torchs(lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.3, total_steps=total), total)
    found = [rate(Train(lr=0.3, schedule="one_cycle"), s, total=total, steps=5) for s in range(total)]
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_step_is_torchs() -> None:
    settings = Train(lr=0.3, schedule="step", warmup=0.0, decay=0.5, decay_epochs=3)
    wanted = _torchs(lambda o: torch.optim.lr_scheduler.StepLR(o, 3 * 4, 0.5), 60)
    assert [rate(settings, s, total=60, steps=4) for s in range(60)] == pytest.approx(wanted)


def test_plateau_falls_when_told() -> None:
    settings = Train(lr=0.3, schedule="plateau", warmup=0.0)
    assert [rate(settings, 50, total=60, steps=4, drops=n) for n in range(3)] == pytest.approx([0.3, 0.03, 0.003])
    assert rate(Train(lr=0.3, schedule="constant"), 59, total=60, steps=4) == 0.3
