"""The last layer of exported files: which heads have one, that it answers as the file does, and that others are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from auricle import runtime
from auricle.errors import RequestError
from auricle.exporters._onnx_last import LastLayer
from auricle.verbs.verify import verify


def agrees(path: Path) -> float:
    """The largest difference between the file's answers and the layer's, over clips of several passages and short ones."""
    last, opened, far = LastLayer(path, threads=1), runtime.load(path, threads=1), 0.0
    for samples in (50, 4000, 8000, 31_000):
        wave = (0.1 * np.random.default_rng(samples).standard_normal(samples)).astype(np.float32)
        rows, share = last.embed(wave)
        found = np.array([opened.predict(wave).probabilities[label] for label in last.facts.labels])
        far = max(far, float(np.abs(share @ last.layer.answers(rows) - found).max()))
    return far


def test_the_layer_answers_as_the_file(exported: Any, tmp_path: Path) -> None:
    assert agrees(exported.onnx) < 1e-6
    last = LastLayer(exported.onnx, threads=1)
    head = exported.bundle.pipe.head.linear
    assert np.allclose(last.layer.weight * 1.3, head.weight.detach().numpy(), atol=1e-7)
    last.write(tmp_path / "same.onnx", last.facts, last.layer)  # the same layer: the same numbers, bit for bit
    again = LastLayer(tmp_path / "same.onnx", threads=1)
    assert np.array_equal(again.layer.weight, last.layer.weight)
    wave = np.random.default_rng(0).standard_normal((3, 5000)).astype(np.float32)
    assert np.array_equal(again.runner.run(wave), last.runner.run(wave))


def test_several_labels_a_clip_are_refused(unstreamable: Any) -> None:
    with pytest.raises(RequestError, match=r"tasks of the kind 'multi'; wanted a model of one label a clip"):
        LastLayer(unstreamable.onnx)


def test_a_step_behind_the_layer_is_refused_by_name(tmp_path: Path) -> None:
    model = onnx.load(runtime.locate("everyday10"))
    for node in model.graph.node:
        if node.op_type == "Gemm" and node.output[0] == "linear_1":
            node.output[0] = "before"
            model.graph.node.insert(list(model.graph.node).index(node) + 1, helper.make_node("Relu", ["before"], ["linear_1"]))
            break
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(RequestError, match=r"the head mean_pool of .*m\.onnx ends in a step Relu; wanted one linear layer"):
        LastLayer(tmp_path / "m.onnx")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("head", "fine"),
    [
        ({"name": "last"}, True),
        ({"name": "mlp_pool", "hidden": 32}, True),
        ({"name": "statistics_pool"}, True),
        ({"name": "attention_pool"}, True),
        ({"name": "decision_pool"}, False),
        ({"name": "knn", "known": 8}, False),
    ],
    ids=lambda each: each["name"] if isinstance(each, dict) else "",
)
def test_heads(tmp_path: Path, head: dict[str, Any], fine: bool) -> None:
    torch = pytest.importorskip("torch")
    from auricle import bundle as bundles
    from auricle import recipe as recipes
    from auricle.exporters.onnx import Onnx
    from auricle.types import Task

    torch.manual_seed(0)
    model = {"name": "cnn", "width": 4, "blocks": [1, 1], "time_strides": [2, 2], "dim": 300}
    recipe = recipes.parse(
        {"sample_rate": 8000, "frontend": {"name": "log_mel", "bins": 24}, "model": model, "head": head, "feed": {"seconds": 1.0}}
    )
    task = Task(("a", "b", "c", "d"))
    Onnx().write(bundles.Bundle(bundles.build(recipe, task).eval(), recipe, task, 0.7), tmp_path / "m.onnx", half=True)
    if not fine:
        with pytest.raises(RequestError, match=f"the head {head['name']} of .*; wanted one linear layer over the embedding of a clip"):
            LastLayer(tmp_path / "m.onnx")
        return
    assert agrees(tmp_path / "m.onnx") < 1e-6
    last = LastLayer(tmp_path / "m.onnx")
    last.write(tmp_path / "n.onnx", last.facts, last.layer)
    assert verify(str(tmp_path / "n.onnx")).replayed
