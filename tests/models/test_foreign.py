"""A foreign graph answers in the pipe as by itself, travels in the bundle, and becomes part of the exported file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from auricle import bundle as bundles
from auricle import catalog
from auricle import recipe as recipes
from auricle.errors import BundleError, RequestError, ShapeError
from auricle.exporters.onnx import Onnx
from auricle.learning import experiment
from auricle.models.foreign import Foreign
from auricle.types import Spec, Task


def network(folder, *, shape=("rows", 10, 12, 1), opset=13, rows_mixed=False, name="network.onnx"):
    """Two convolutions over a window of 10 frames of 12 bins, as [rows, N, F, 1], in operators of another version."""
    rng = np.random.default_rng(0)
    weights = {
        "kernel": rng.standard_normal((4, 1, 3, 3)).astype(np.float32) * 0.3,
        "bias": rng.standard_normal(4).astype(np.float32),
        "last": rng.standard_normal((6, 4, 8, 10)).astype(np.float32) * 0.1,
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "kernel", "bias"], ["a"]),
        helper.make_node("LeakyRelu", ["a"], ["b"], alpha=0.2),
        helper.make_node("Conv", ["b", "last"], ["c"]),
    ]
    if rows_mixed:
        nodes.append(helper.make_node("ReduceMax", ["c"], ["m"], keepdims=0))
        nodes.append(helper.make_node("Sub", ["c", "m"], ["y"]))
    else:
        nodes.append(helper.make_node("Tanh", ["c"], ["y"]))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [shape[0], 6, 1, 1])],
        [numpy_helper.from_array(value, key) for key, value in weights.items()],
    )
    path = folder / name
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return str(path)


SETTINGS = {"window": 10, "hop": 4, "layout": "BNF1"}


def test_each_window_equals_the_runtime_by_itself(tmp_path):
    source = network(tmp_path)
    model = Foreign(12, source=source, **SETTINGS)
    feature = torch.randn(2, 12, 33)
    hidden, steps = model(feature, torch.tensor([33, 21]))
    session = onnxruntime.InferenceSession(source)
    assert steps.tolist() == [6, 3]
    for row in range(2):
        for step in range(6):
            window = feature[row, :, 4 * step : 4 * step + 10].T.numpy()[None, :, :, None]
            np.testing.assert_allclose(hidden[row, :, step].numpy(), session.run(None, {"x": window})[0].ravel(), atol=1e-6)


def test_a_bundle_and_its_file_need_the_source_no_more(tmp_path):
    source = network(tmp_path)
    tree = {"sample_rate": 8000, "frontend": {"name": "log_mel", "bins": 12}, "model": {"name": "foreign", "source": source, **SETTINGS}}
    recipe, task = experiment.resolved(recipes.parse({**tree, "feed": {"seconds": 0.5, "min_seconds": 0.1}})), Task(("a", "b", "c"))
    made = bundles.Bundle(bundles.build(recipe, task).eval(), recipe, task, card={})
    made.pipe.model.begin(made.pipe.frontend)
    bundles.save(made, tmp_path / "bundle")
    (tmp_path / "network.onnx").unlink()
    again = bundles.load(tmp_path / "bundle")
    wave, length = 0.1 * torch.randn(3, 3000), torch.tensor([3000, 2000, 1100])
    with torch.no_grad():
        assert torch.equal(again.pipe(wave, length), made.pipe(wave, length))
    assert Onnx().write(again, tmp_path / "model.onnx").largest <= 1e-4
    written = onnx.load(tmp_path / "model.onnx")
    assert {each.domain for each in written.opset_import} == {""}
    assert not any(tensor.data_type == TensorProto.UINT8 for tensor in written.graph.initializer)
    onnx.checker.check_model(written)


def test_what_does_not_fit_is_refused_by_name(tmp_path):
    with pytest.raises(RequestError, match="takes 1 rows at a time; wanted any number"):
        Foreign(12, source=network(tmp_path, shape=(1, 10, 12, 1)), **SETTINGS)
    with pytest.raises(RequestError, match="its rows know each other"):
        Foreign(12, source=network(tmp_path, rows_mixed=True), **SETTINGS)
    source = network(tmp_path)
    with pytest.raises(RequestError, match="takes 10 in axis N"):
        Foreign(12, source=source, window=11, layout="BNF1")
    with pytest.raises(RequestError, match=r"the front end gives 13 bins; .* takes 12"):
        Foreign(13, source=source, **SETTINGS)
    with pytest.raises(RequestError, match="gives 3 axes of floats"):
        Foreign(12, source=source, window=10, layout="BNF")
    with pytest.raises(RequestError, match="wanted each of B, F and N once"):
        Foreign(12, source=source, layout="BNN1")
    with pytest.raises(ShapeError, match="has 9 frames; the network takes 10 at a time"):
        Foreign(12, source=source, **SETTINGS)(torch.zeros(1, 12, 9), torch.tensor([9]))
    with pytest.raises(RequestError, match="is not a file; wanted an ONNX file"):
        Foreign(12, source=str(tmp_path / "none.onnx"))


def test_other_files_and_files_that_name_others_are_refused(tmp_path):
    (tmp_path / "text.onnx").write_text("this is no graph")
    with pytest.raises(BundleError, match=r"is not an ONNX file|is not a graph"):
        Foreign(12, source=str(tmp_path / "text.onnx"), **SETTINGS)
    model = onnx.load(network(tmp_path))
    onnx.save(model, tmp_path / "apart.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(BundleError, match="keeps its weights in another file; wanted one file"):
        Foreign(12, source=str(tmp_path / "apart.onnx"), **SETTINGS)


def test_a_file_that_changed_is_refused(tmp_path):
    source = network(tmp_path)
    model = Foreign(12, source=source, **SETTINGS)
    with Path(source).open("ab") as file:
        file.write(b"\0\0")
    with pytest.raises(RequestError, match=r"bytes; model.config says"):
        model.begin(None)


def test_a_margin_is_what_the_front_end_makes_of_silence(tmp_path):
    settings = {"source": network(tmp_path), **SETTINGS}
    frontend = catalog.make("frontends", Spec("log_mel", {"bins": 12}), 16_000)
    model = Foreign(12, margin=7, **settings)
    model.begin(frontend)
    plain = Foreign(12, **settings)
    quiet, _ = frontend(torch.zeros(1, 16_000), torch.tensor([16_000]))
    feature, length = torch.randn(2, 12, 9), torch.tensor([9, 4])  # both are shorter than a window
    hidden, steps = model(feature, length)
    assert steps.tolist() == [4, 3]
    for row, own, count in zip(feature, length.tolist(), steps.tolist(), strict=True):
        whole = torch.cat([quiet[..., :7], row[None, :, :own], quiet[..., :7]], dim=-1)
        expected, _ = plain(whole, torch.tensor([whole.shape[-1]]))
        assert torch.equal(expected[..., :count], hidden[:1, :, :count] if own == 9 else hidden[1:, :, :count])
    assert model.min_frames == 1
