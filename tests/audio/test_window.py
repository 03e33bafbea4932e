from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auricle.audio.window import fit, windows
from auricle.errors import ShapeError


@given(st.integers(0, 500), st.integers(1, 60), st.integers(1, 60))
def test_every_sample_is_covered_and_no_window_is_idle(total: int, win: int, hop: int) -> None:
    hop = min(hop, win)
    spans = windows(total, win, hop)
    covered = np.zeros(total, int)
    for start, stop in spans:
        covered[start:stop] += 1
    assert (covered > 0).all()
    assert [start for start, _ in spans] == [n * hop for n in range(len(spans))]
    assert all(stop - start == win for start, stop in spans[:-1])
    assert not spans or spans[-1][1] == total
    # Without the last window, something would be missing.
    assert len(spans) < 2 or spans[-2][1] < total


def test_fit() -> None:
    wave = np.array([1, 2, 3], np.float32)
    assert fit(wave, 5).tolist() == [1, 2, 3, 0, 0]
    assert fit(wave, 7, "tile").tolist() == [1, 2, 3, 1, 2, 3, 1]
    assert fit(wave, 2, "tile").tolist() == [1, 2]
    assert np.shares_memory(fit(wave, 3), wave)
    assert fit(wave[:0], 2).tolist() == [0, 0]


def test_impossible() -> None:
    for win, hop in ((0, 1), (4, 0), (4, 5)):
        with pytest.raises(ShapeError, match="1 <= hop <= win"):
            windows(10, win, hop)
    with pytest.raises(ShapeError, match="nothing to repeat"):
        fit(np.zeros(0, np.float32), 3, "tile")
    with pytest.raises(ShapeError, match="there are pad, tile"):
        fit(np.zeros(1, np.float32), 3, "mirror")
    with pytest.raises(ShapeError, match="one channel"):
        fit(np.zeros((1, 1), np.float32), 3)
