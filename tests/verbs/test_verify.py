"""A file that answers otherwise than recorded is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from auricle.errors import BundleError
from auricle.verbs.verify import verify


def test_verifies_what_was_exported(exported: Any, unstreamable: Any) -> None:
    assert "answers on this machine" in verify(str(exported.run)).text()
    assert len(verify(str(unstreamable.onnx)).replayed) == 4


def test_a_changed_weight_is_found(exported: Any, tmp_path: Path) -> None:
    model = onnx.load(exported.onnx)
    for tensor in model.graph.initializer:
        if tensor.name.endswith("head.linear.bias"):
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + np.float32([0.01, 0, 0, 0]), tensor.name))
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(BundleError, match=r"answers differently on this machine: .* wanted at most 0\.0001 \(\d of 5 replays\)"):
        verify(str(tmp_path / "m.onnx"))


@pytest.mark.parametrize("damage", ["number", "shape", "stream", "missing", "none"])
def test_a_wrong_golden_record_is_found(exported: Any, tmp_path: Path, damage: str) -> None:
    model = onnx.load(exported.onnx)
    entry = next(e for e in model.metadata_props if e.key == "auricle.golden")
    golden = json.loads(entry.value)
    if damage == "number":
        golden["inputs"][2]["probabilities"][0] += 0.001
    elif damage == "shape":
        golden["inputs"][0]["probabilities"].pop()
    elif damage == "stream":
        golden["stream"]["track"][-1][1] += 0.001
    elif damage == "missing":
        del golden["inputs"][1]["seed"]
    else:
        golden = {}
    entry.value = json.dumps(golden)
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(BundleError, match=r"m\.onnx"):
        verify(str(tmp_path / "m.onnx"))
