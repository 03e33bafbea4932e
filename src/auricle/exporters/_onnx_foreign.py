"""Networks from elsewhere inside the exported graph: where the pipe calls one, its own operators take the place of the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import onnx
import torch
from onnx import NodeProto, compose, defs, helper, numpy_helper, version_converter

from auricle.errors import BundleError

if TYPE_CHECKING:
    from onnx import ModelProto

_DOMAIN = "auricle.foreign"


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """How the tracer writes a call down until it is replaced; nothing where no pipe of this process holds such a network."""
    if not hasattr(torch.ops.auricle, "foreign"):
        return {}
    from onnxscript import values

    kinds = [("T", ["tensor(float)"], ""), ("C", ["tensor(uint8)"], "")]
    put, got = ([defs.OpSchema.FormalParameter(*each) for each in pairs] for pairs in ([("x", "T"), ("graph", "C")], [("y", "T")]))
    dimension = defs.OpSchema.Attribute("dim", defs.OpSchema.AttrType.INT, required=True)
    schema = defs.OpSchema("Foreign", _DOMAIN, 1, inputs=put, outputs=got, type_constraints=kinds, attributes=[dimension])
    held = values.Op(values.Opset(_DOMAIN, 1), "Foreign", schema)

    def called(x: Any, graph: Any, dim: int, rows: int) -> Any:  # noqa: ARG001 - the operator's signature
        return held(x, graph, dim=dim)

    return {torch.ops.auricle.foreign.default: called}


def inlined(model: ModelProto, opset: int) -> ModelProto:
    """The graph with every call replaced.

    Args:
        model: as traced; it is changed.
        opset: the version of the operators that it is written in.

    Returns:
        The same model.

    Raises:
        BundleError: a network has operators that this version can't express.
    """
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[NodeProto] = []
    used: set[str] = set()
    for node in graph.node:
        if node.domain != _DOMAIN:
            nodes.append(node)
            continue
        x, held = node.input[:2]
        (dim,) = (int(each.i) for each in node.attribute if each.name == "dim")
        part = _brought(numpy_helper.to_array(weights[held]).tobytes(), opset, f"foreign.{len(used)}.")
        used.add(held)
        for domain in part.opset_import:
            if domain.domain and not any(each.domain == domain.domain for each in model.opset_import):
                model.opset_import.append(domain)
        nodes.append(helper.make_node("Identity", [x], [part.graph.input[0].name]))
        nodes.extend(part.graph.node)
        shape = numpy_helper.from_array(torch.tensor([-1, dim]).numpy(), f"{part.graph.output[0].name}.rows")
        nodes.append(helper.make_node("Reshape", [part.graph.output[0].name, shape.name], [node.output[0]]))
        graph.initializer.extend([*part.graph.initializer, shape])
    if not used:
        return model
    del graph.node[:]
    graph.node.extend(nodes)
    kept = [tensor for tensor in graph.initializer if tensor.name not in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    for domain in [each for each in model.opset_import if each.domain == _DOMAIN]:
        model.opset_import.remove(domain)
    return model


def _brought(content: bytes, opset: int, prefix: str) -> ModelProto:
    model = onnx.load_from_string(content)
    try:
        found = version_converter.convert_version(model, opset)
    except Exception as wrong:  # the converter's own exceptions share no other parent
        raise BundleError(f"the foreign network can't be brought to operator set {opset}: {' '.join(str(wrong).split())[:160]}") from wrong
    named = {tensor.name for tensor in found.graph.initializer}
    inputs = [each for each in found.graph.input if each.name not in named]  # older files list their weights as inputs too
    del found.graph.input[:]
    found.graph.input.extend(inputs)
    return compose.add_prefix(found, prefix)
