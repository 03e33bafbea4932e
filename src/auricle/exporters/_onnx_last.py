"""The last linear layer of an exported file: found behind its answers, heard before, written anew. Without torch.

An answer for a clip and the answers of a stream come from one layer in two places of the graph: `Gemm`, or `MatMul` and `Add`, then the
temperature and the softmax. What is written anew is this layer and the answers' number of classes; every other node and number of the
graph stays as it is, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from auricle.audio.window import passages
from auricle.errors import BundleError, RequestError
from auricle.exporters import _facts, _golden
from auricle.exporters._runner import Runner
from auricle.exporters._session import session
from auricle.learning.personal import Layer

Rows = NDArray[np.float32]

_HEARD = "embedding"
_WRITTEN = "last"  # how the new layer's tensors are named
_PASSED = ("Softmax", "Transpose", "Identity")  # what keeps each class's answer its own
_ROUNDING = 1e-5  # of a probability


@dataclass(frozen=True, slots=True)
class _Use:
    """The layer in one place of the graph.

    Args:
        product: the node that multiplies; its first input is what the layer hears.
        added: the node that adds the bias; the same for `Gemm`.
        weight_at: which of the product's inputs is the weight.
        bias_at: which of the other's inputs is the bias.
        turned: whether the weight lies as [D, K].
    """

    product: NodeProto
    added: NodeProto
    weight_at: int
    bias_at: int
    turned: bool


class LastLayer:
    """The layer between the embedding of a clip and its answer: `layer`, in units of calibrated logits.

    Args:
        path: a file that auricle wrote, for one label a clip.
        threads: inside one operation; 0 takes what this process may use.

    Raises:
        RequestError: no such file, another task, or a head that doesn't end in one linear layer.
        BundleError: a damaged file.
    """

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        self.path = path
        self.runner = Runner(path, threads=threads)
        self.facts = self.runner.facts
        if self.facts.kind != "single":
            raise RequestError(f"{path} answers tasks of the kind {self.facts.kind!r}; wanted a model of one label a clip")
        self._model = onnx.load_model_from_string(path.read_bytes())
        uses = list(_uses(self._model.graph, self._refused))
        weights, biases = zip(*(_numbers(self._model.graph, use) for use in uses), strict=True)
        if not all(np.array_equal(weights[0], each) for each in weights) or not all(np.array_equal(biases[0], each) for each in biases):
            raise self._refused("two layers that differ, one for clips and one for streams")
        self.layer = Layer(*(each.astype(np.float64) / self.facts.temperature for each in (weights[0], biases[0])))
        self._session = session(path, threads=threads, content=_with_output(self._model, uses[0].product.input[0]).SerializeToString())

    def embed(self, wave: NDArray[np.float32]) -> tuple[Rows, NDArray[np.float64]]:
        """What the layer hears of a clip of any length, scored in the passages in which it is predicted.

        Args:
            wave: [T] samples at the model's rate, full scale ±1, T > 0.

        Returns:
            [P, D] a row for each passage, and [P] its share of the clip.
        """
        found, spans = [], passages(len(wave), self.facts.win, longest=self.facts.max_samples)
        for a, b in spans:
            piece = np.pad(wave[a:b], (0, max(0, self.facts.shortest - (b - a)))).astype(np.float32, copy=False)
            found.append(self._session.run([_HEARD], {"wave": piece[None]})[0][0])
        length = np.array([b - a for a, b in spans], dtype=np.float64)
        return np.stack(found), length / length.sum()

    def write(self, path: Path, facts: _facts.Facts, layer: Layer) -> None:
        """A copy of the file with another layer, labels and card; it appears whole or not at all.

        Args:
            path: where.
            facts: of the copy; its golden answers are recorded here.
            layer: with a row for each label, in units of calibrated logits.

        Raises:
            BundleError: the copy doesn't answer as the layer does; nothing is left.
            OSError: the file can't be written.
        """
        scale = self.facts.temperature
        model = _rewritten(self._model, weight=(layer.weight * scale).astype(np.float32), bias=(layer.bias * scale).astype(np.float32))
        part = path.with_name(f".{path.name}.part")
        try:
            _facts.attach(model, facts)
            part.write_bytes(model.SerializeToString())
            written = Runner(part)
            self._compare(written, layer)
            _facts.attach(model, replace(facts, golden=_golden.record(written)))
            part.write_bytes(model.SerializeToString())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _refused(self, found: str) -> RequestError:
        head = dict(self.facts.recipe.get("head") or {}).get("name", "of an unknown name")
        return RequestError(f"the head {head} of {self.path} ends in {found}; wanted one linear layer over the embedding of a clip")

    def _compare(self, written: Runner, layer: Layer) -> None:
        """The written file beside this layer in numpy: clips, and where it streams, the last step of a stream within its window."""
        facts, far = written.facts, 0.0
        for given in _golden.inputs(sample_rate=facts.sample_rate, shortest=facts.shortest, seconds=facts.seconds):
            wave = _golden.wave(given)[: self.facts.win]
            found = written.run(wave[None])[0]
            far = max(far, float(np.abs(found - layer.answers(self.embed(wave)[0])[0]).max()))
            if facts.streamable:
                track, _ = written.step(wave[None], written.start())
                reach = min(facts.window, track.shape[-1])
                clip = written.run(wave[None, : reach * facts.hop + facts.overlap])[0]
                far = max(far, float(np.abs(track[0, :, reach - 1] - clip).max()))
        if not far <= _ROUNDING:
            raise BundleError(f"{self.path} can't be given another last layer: the copy's answers differ from the layer's by {far:.2g}")


def _uses(graph: GraphProto, refused: Callable[[str], Exception]) -> Iterator[_Use]:
    """The layer behind each answer."""
    makers = {name: node for node in graph.node for name in node.output}
    for answer in [each.name for each in graph.output if each.name in ("probabilities", "track")]:
        node = makers[answer]
        while node.op_type in _PASSED or (node.op_type == "Div" and _size(graph, node.input[1]) == 1):
            if node.input[0] not in makers:
                break
            node = makers[node.input[0]]
        if node.op_type == "Gemm" and len(node.input) == 3 and _known(graph, node.input[1:]) and not _scaled(node):
            turned = not any(each.name == "transB" and each.i for each in node.attribute)
            yield _Use(node, node, 1, 2, turned)
            continue
        held = [i for i, name in enumerate(node.input) if node.op_type == "Add" and _known(graph, [name])]
        product = makers.get(node.input[1 - held[0]]) if len(held) == 1 else None
        if product is None or product.op_type != "MatMul" or not _known(graph, product.input[1:]):
            raise refused(f"a step {node.op_type}")
        yield _Use(product, node, 1, held[0], turned=True)


def _scaled(node: NodeProto) -> bool:
    said = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return said.get("alpha", 1.0) != 1.0 or said.get("beta", 1.0) != 1.0 or bool(said.get("transA", 0))


def _tensor(graph: GraphProto, name: str) -> TensorProto | None:
    """A constant of the graph, also one that is stored in 16 bits and widened."""
    widened = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast"}
    stored = widened.get(name, name)
    return next((each for each in graph.initializer if each.name == stored), None)


def _known(graph: GraphProto, names: Iterable[str]) -> bool:
    inputs = {each.name for each in graph.input}
    return all(name not in inputs and _tensor(graph, name) is not None for name in names)


def _size(graph: GraphProto, name: str) -> int:
    tensor = _tensor(graph, name)
    return int(np.prod(tensor.dims)) if tensor is not None else 0


def _numbers(graph: GraphProto, use: _Use) -> tuple[Rows, Rows]:
    """Weight [K, D] and bias [K] as the runtime computes with them."""
    found = []
    for name in (use.product.input[use.weight_at], use.added.input[use.bias_at]):
        tensor = _tensor(graph, name)
        assert tensor is not None  # `_uses` looked
        found.append(numpy_helper.to_array(tensor).astype(np.float32))
    return (found[0].T if use.turned else found[0]), found[1]


def _with_output(model: ModelProto, name: str) -> ModelProto:
    """A copy that gives what the layer hears and nothing else."""
    copy = ModelProto()
    copy.CopyFrom(model)
    copy.graph.node.append(helper.make_node("Identity", [name], [_HEARD]))
    del copy.graph.output[:]
    copy.graph.output.append(helper.make_tensor_value_info(_HEARD, TensorProto.FLOAT, ["rows", "features"]))
    return copy


def _rewritten(model: ModelProto, *, weight: Rows, bias: Rows) -> ModelProto:
    """A copy with another layer: [K, D] and [K], K of any size."""
    copy = ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    old: set[str] = set()
    new: dict[str, Rows] = {}
    for use in list(_uses(graph, BundleError)):
        turned = f"{_WRITTEN}.turned" if use.turned else f"{_WRITTEN}.weight"
        old |= {use.product.input[use.weight_at], use.added.input[use.bias_at]}
        use.product.input[use.weight_at], use.added.input[use.bias_at] = turned, f"{_WRITTEN}.bias"
        new |= {turned: np.ascontiguousarray(weight.T if use.turned else weight), f"{_WRITTEN}.bias": bias}
    _drop(graph, old)
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in new.items())
    for each in graph.output:
        if each.name in ("probabilities", "track"):
            each.type.tensor_type.shape.dim[1].dim_value = len(bias)
    return copy


def _drop(graph: GraphProto, names: set[str]) -> None:
    """Take away constants, and their widening, that nothing uses any more or that a new one replaces."""
    new = {f"{_WRITTEN}.{each}" for each in ("weight", "turned", "bias")}
    used = {name for node in graph.node for name in node.input} - new
    gone = {name for name in names if name not in used}
    casts = [node for node in graph.node if node.op_type == "Cast" and node.output[0] in gone]
    for node in casts:
        graph.node.remove(node)
    gone |= {node.input[0] for node in casts}
    for tensor in [each for each in graph.initializer if each.name in gone]:
        graph.initializer.remove(tensor)
