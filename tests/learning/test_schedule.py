"""The learning rate: up in a line, down in a cosine, always to nearly nothing."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from auricle.learning.schedule import rate


def test_shape_by_hand() -> None:
    rates = [rate(s, total=100, peak=2.0, warmup=10) for s in range(100)]
    assert rates[:10] == [2.0 * (s + 1) / 10 for s in range(10)]
    assert rates[10] == 2.0
    assert math.isclose(rates[55], 1.0)  # half way down the cosine
    assert rates[10:] == sorted(rates[10:], reverse=True)


@given(total=st.integers(1, 500), warmup=st.integers(0, 1000))
def test_every_training_reaches_the_peak_and_the_end(total: int, warmup: int) -> None:
    rates = [rate(s, total=total, peak=1.0, warmup=warmup) for s in range(total)]
    assert all(0 < r <= 1 for r in rates)
    assert max(rates) == 1.0
    # The last of n cosine steps is at (n-1)/n of the way.
    down = total - min(warmup, total // 3)
    assert math.isclose(rates[-1], 0.5 * (1 + math.cos(math.pi * (down - 1) / down)))
