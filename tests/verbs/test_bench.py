"""`bench` measures what it says."""

from __future__ import annotations

from typing import Any

import pytest

from auricle.errors import RequestError
from auricle.verbs.bench import bench


def test_figures_hang_together(exported: Any, unstreamable: Any) -> None:
    for made, exact in ((exported, True), (unstreamable, False)):
        costs = bench(str(made.onnx), repeats=5, threads=1)
        assert costs.parameters == sum(p.numel() for p in made.bundle.pipe.parameters())
        assert costs.size_bytes == made.onnx.stat().st_size
        assert 0 < costs.p50_ms <= costs.p99_ms
        assert costs.real_time_factor == pytest.approx(costs.p50_ms / 1000 / costs.seconds)
        assert costs.exact is exact
        assert costs.streams_per_core > 0
        assert 20e6 < costs.peak_memory_bytes < 4e9
        assert f"{costs.parameters:,}" in costs.text()
    pipe = exported.bundle.pipe
    assert bench(str(exported.onnx), repeats=1).algorithmic_ms == pytest.approx(1000 * (pipe.hop + pipe.overlap) / 8000)
    with pytest.raises(RequestError, match="--repeats"):
        bench(str(exported.onnx), repeats=0)
