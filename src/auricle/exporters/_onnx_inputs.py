"""Inputs that a foreign program may leave out, and a wave of any length: the graph surgery after tracing.

A graph input with an initializer of the same name has a default (ONNX IR, "overridable initializers"). A default is kept as small as
broadcasting allows, and widened in the graph to the wave's rows.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

SMALLEST_HALF = 1024  # numbers; below it nothing is worth a conversion


def complete(model: ModelProto, start: dict[str, NDArray[np.float32]], *, unit: int, rest: int, longer: bool = False) -> ModelProto:
    """The traced graph with optional `length` and states, and a wave of any length.

    Args:
        model: as it was traced, with inputs "wave.whole", "wave.rows", "wave.steps" and "length"; it is changed.
        start: the state inputs' first values, one row each.
        unit: samples of a step.
        rest: samples beyond whole steps.
        longer: make the wave longer by silence up to whole steps, instead of trimming it to them.

    Returns:
        The same model.
    """
    graph = model.graph
    _strip(model)
    nodes = [
        helper.make_node("Shape", ["wave"], ["wave.rows"], start=0, end=1),
        helper.make_node("Shape", ["wave"], ["wave.samples"], start=1, end=2),
    ]
    _rename(graph.node, "length", "length.valid")
    nodes += [
        helper.make_node("Expand", ["length", "wave.rows"], ["length.given"]),
        helper.make_node("Min", ["length.given", "wave.samples"], ["length.valid"]),
    ]
    graph.initializer.append(numpy_helper.from_array(np.array([np.iinfo(np.int64).max]), "length"))
    nodes += _lengthen(graph, unit) if longer else _trim(graph, unit, rest)
    for name, value in start.items():
        _rename(graph.node, name, f"{name}.rows")
        nodes += _widen(graph, name, value)
    traced = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *traced])
    _declare(graph, start)
    return model


def halve(model: ModelProto) -> ModelProto:
    """Large weights stored in 16 bits and widened in the graph; a runtime folds that away when it opens the file.

    Args:
        model: it is changed.

    Returns:
        The same model.
    """
    graph = model.graph
    inputs = {i.name for i in graph.input}
    casts: list[NodeProto] = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or tensor.name in inputs or int(np.prod(tensor.dims)) < SMALLEST_HALF:
            continue
        name = tensor.name
        small = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{name}.half")
        tensor.CopyFrom(small)
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    traced = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *traced])
    return model


def _strip(model: ModelProto) -> None:
    # The tracer notes source lines and file paths of the machine it ran on at every node.
    del model.metadata_props[:]
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    model.graph.name = "auricle"
    for part in [*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        part.doc_string = ""
        del part.metadata_props[:]


def _rename(nodes: Iterable[NodeProto], old: str, new: str) -> None:
    for node in nodes:
        for i, name in enumerate(node.input):
            if name == old:
                node.input[i] = new


def _lengthen(graph: onnx.GraphProto, unit: int) -> list[NodeProto]:
    for name, value in {"unit": [unit], "spare": [unit - 1], "head": [0, 0, 0]}.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, dtype=np.int64), f"wave.{name}"))
    return [
        helper.make_node("Add", ["wave.samples", "wave.spare"], ["wave.most"]),
        helper.make_node("Div", ["wave.most", "wave.unit"], ["wave.steps"]),
        helper.make_node("Mul", ["wave.steps", "wave.unit"], ["wave.end"]),
        helper.make_node("Sub", ["wave.end", "wave.samples"], ["wave.silence"]),
        helper.make_node("Concat", ["wave.head", "wave.silence"], ["wave.pads"], axis=0),
        helper.make_node("Pad", ["wave", "wave.pads"], ["wave.whole"]),
    ]


def _trim(graph: onnx.GraphProto, unit: int, rest: int) -> list[NodeProto]:
    if (unit, rest) == (1, 0):
        return [helper.make_node("Identity", [old], [new]) for old, new in (("wave", "wave.whole"), ("wave.samples", "wave.steps"))]
    for name, value in {"unit": unit, "rest": rest, "zero": 0, "one": 1}.items():
        graph.initializer.append(numpy_helper.from_array(np.array([value], dtype=np.int64), f"wave.{name}"))
    return [
        helper.make_node("Sub", ["wave.samples", "wave.rest"], ["wave.beyond"]),
        helper.make_node("Div", ["wave.beyond", "wave.unit"], ["wave.steps"]),
        helper.make_node("Mul", ["wave.steps", "wave.unit"], ["wave.used"]),
        helper.make_node("Add", ["wave.used", "wave.rest"], ["wave.end"]),
        helper.make_node("Slice", ["wave", "wave.zero", "wave.end", "wave.one"], ["wave.whole"]),
    ]


def _widen(graph: onnx.GraphProto, name: str, value: NDArray[np.float32]) -> list[NodeProto]:
    first = value.flat[0] if value.size else np.float32(0)
    uniform = bool((value == first).all())
    small = np.full([1] * value.ndim, first, np.float32) if uniform and value.size else value
    graph.initializer.append(numpy_helper.from_array(small, name))
    graph.initializer.append(numpy_helper.from_array(np.array(value.shape[1:], dtype=np.int64), f"{name}.shape"))
    return [
        helper.make_node("Concat", ["wave.rows", f"{name}.shape"], [f"{name}.size"], axis=0),
        helper.make_node("Expand", [name, f"{name}.size"], [f"{name}.rows"]),
    ]


def _declare(graph: onnx.GraphProto, start: dict[str, NDArray[np.float32]]) -> None:
    """Names of the free dimensions; a state's are free because its default is smaller than what a step gives back."""
    shapes: dict[str, list[str | int]] = {"wave": ["rows", "samples"], "length": ["rows_or_1"]}
    shapes |= {name: [f"{name}.{i}" for i in range(value.ndim)] for name, value in start.items()}
    del graph.input[:]
    for name, shape in shapes.items():
        kind = TensorProto.INT64 if name == "length" else TensorProto.FLOAT
        graph.input.append(helper.make_tensor_value_info(name, kind, shape))
    for each in graph.output:
        dims = each.type.tensor_type.shape.dim
        dims[0].dim_param = "rows"
        if each.name == "track":
            dims[2].dim_param = "steps"
