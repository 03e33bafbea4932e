"""What the tests of models share: a small pipe around a model, written as ONNX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.types import Task


@pytest.fixture
def exported(tmp_path: Path) -> Callable[[dict[str, Any]], Any]:
    """From a model's settings, and another front end or head, to the differences between its file and torch that the exporter saw."""

    def write(model: dict[str, Any], *, frontend: dict[str, Any] | None = None, head: str = "mean_pool") -> Any:
        from auricle.exporters.onnx import Onnx

        torch.manual_seed(0)
        tree = {"sample_rate": 8000, "model": model, "head": head, "feed": {"seconds": 1.0, "min_seconds": 0.1}}
        recipe = recipes.parse({**tree, "frontend": frontend or {"name": "log_mel", "bins": 20}})
        task = Task(("bark", "bell", "rain"), "single")
        pipe = bundles.build(recipe, task)
        with torch.no_grad():
            pipe.train()(torch.randn(4, 8000) * 0.1, torch.full((4,), 8000))
            for weight in pipe.head.parameters():
                weight.mul_(10)  # answers that differ from one another
        return Onnx().write(bundles.Bundle(pipe.eval(), recipe, task, 1.0, (), {}), tmp_path / "model.onnx")

    return write
