"""The pipe as one graph: waveform to calibrated probabilities, with the stream's state as extra inputs and outputs."""

from __future__ import annotations

import copy
import math
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from auricle.errors import BundleError
from auricle.exporters import _onnx_foreign, _onnx_gru, _onnx_lstm
from auricle.exporters import _onnx_inputs as inputs

if TYPE_CHECKING:
    from onnx import ModelProto

    from auricle.pipe import Pipe
    from auricle.types import State, TaskKind

OPSET = 20
_EXAMPLE_FRAMES = 103


class Graph(nn.Module):
    """What is exported: probabilities of whole clips and, where the pipe streams, the track and the next state.

    Args:
        pipe: front end, model and head, in evaluation mode.
        kind: the task's kind, which decides between softmax and sigmoid.
        temperature: what logits are divided by.
        state: names of the stream's tensors; empty where the pipe doesn't stream.
    """

    def __init__(self, pipe: Pipe, kind: TaskKind, *, temperature: float, state: tuple[str, ...]) -> None:
        super().__init__()
        self.pipe = pipe
        self.kind = kind
        self.temperature = temperature
        self.names = state

    def forward(self, wave: Tensor, rest: Tensor, length: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Both uses at once.

        Args:
            wave: [B, S, unit] samples in whole steps, so that the number of frames is no rounding that the tracer can't see through.
            rest: [B, rest] samples after them, which the last frames share with what would follow.
            length: [B] valid samples, at most those of the untrimmed wave.
            *state: [B, ...] each, the stream's tensors in the order of their names.

        Returns:
            [B, K] probabilities; then, where the pipe streams, the [B, K, M] track and the next state.
        """
        wave = torch.cat([wave.flatten(1), rest], dim=1)
        if not self.names:
            return (self._probabilities(self.pipe(wave, length)),)
        hidden, track, after = self.pipe.advance(wave, dict(zip(self.names, state, strict=True)))
        frames = self.pipe.frontend.frames(length)
        steps = torch.div(frames, int(self.pipe.model.stride), rounding_mode="floor")
        logits = self.pipe.head(hidden, steps)
        return (self._probabilities(logits), self._probabilities(track), *(after[name] for name in self.names))

    def _probabilities(self, logits: Tensor) -> Tensor:
        calibrated = logits / self.temperature
        return torch.sigmoid(calibrated) if self.kind in ("multi", "frames") else torch.softmax(calibrated, dim=1)


def start(pipe: Pipe, window: int) -> State:
    """One row's state without the wave, which the host keeps; empty where the pipe doesn't stream."""
    return {k: v for k, v in pipe.start(1, window).items() if k != "wave"} if pipe.streamable else {}


def portable(pipe: Pipe) -> Pipe:
    """A copy in evaluation mode on the CPU, its spectra as small matrix products, which every runtime has and does fast."""
    twin = copy.deepcopy(pipe).cpu().eval()
    for module in list(twin.modules()):
        if hasattr(module, "matrix_form"):
            module.matrix_form = True  # type: ignore[assignment]
        if callable(fold := getattr(module, "fold", None)):
            fold()  # what is made of weights at each call, such as a kernel with learnt places, is made once
    _onnx_gru.replace(twin)
    _onnx_lstm.replace(twin)
    return twin


def trace(pipe: Pipe, kind: TaskKind, *, temperature: float, window: int) -> ModelProto:
    """The graph as ONNX, of dynamic rows and time, `length` and the states optional.

    Args:
        pipe: what to export.
        kind: the task's kind.
        temperature: what logits are divided by.
        window: steps that the track pools over.

    Returns:
        The model, without metadata.
    """
    twin = portable(pipe)
    state = start(twin, window)
    graph = Graph(twin, kind, temperature=temperature, state=tuple(state)).eval()
    unit, rest, longer = unit_of(twin)
    # Many frames: the tracer takes a dimension that happens to be 1, such as that of blocks of 32 frames, for one that always is.
    steps = 5 * -(-(twin.min_samples - rest) // unit) + _EXAMPLE_FRAMES * max(1, int(twin.frontend.hop) // unit)
    samples = steps * unit + rest
    example = (
        torch.randn(2, steps, unit) * 0.1,
        torch.randn(2, rest) * 0.1,
        torch.tensor([samples, samples - 1]),
        *(v.repeat(2, *[1] * (v.dim() - 1)) for v in state.values()),
    )
    rows = {0: torch.export.Dim.DYNAMIC}
    grid = {**rows, 1: torch.export.Dim.DYNAMIC}
    with warnings.catch_warnings():
        # The exporter's dependencies deprecate parts of each other; nothing here can answer that.
        warnings.simplefilter("ignore")
        try:
            program: Any = torch.onnx.export(
                graph,
                example,
                dynamo=True,
                external_data=False,
                opset_version=OPSET,
                optimize=False,
                verbose=False,
                dynamic_shapes=(grid, rows, rows, *([tuple(rows for _ in state)] if state else [])),
                input_names=["wave", "rest", "length", *(f"state.{name}" for name in state)],
                output_names=["probabilities", *(["track"] if state else []), *(f"next.{name}" for name in state)],
                custom_translation_table=_onnx_foreign.translations(),
            )
        except torch.onnx.OnnxExporterError as wrong:
            said = str(wrong.__cause__ or wrong).partition("\n")[0]
            raise BundleError(
                f"the model {type(pipe.model).__name__} has a step that torch {torch.__version__} can't write as ONNX: {said}",
                hint="its bundle is whole: auricle evaluate takes it as it is",
            ) from wrong
    model = _onnx_foreign.inlined(_folded(program.model), OPSET)
    return inputs.complete(model, {f"state.{k}": v.numpy() for k, v in state.items()}, unit=unit, rest=rest, longer=longer)


def _folded(traced: Any) -> ModelProto:
    """Constants folded and lifted, what stands twice merged; the graph is a third of what was traced.

    The exporter's own `optimize=True` also rewrites by patterns, and takes the addition of any constant up to 1e-8 for the addition of
    nothing: the logarithm of silence would become minus infinity.
    """
    from onnx_ir import passes, serde
    from onnx_ir.passes import common
    from onnxscript import optimizer

    optimizer.fold_constants(traced)
    _flatten(traced.graph)
    tidy = passes.Sequential(
        common.RemoveUnusedNodesPass(),
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.DeduplicateInitializersPass(),
        common.CommonSubexpressionEliminationPass(),
        common.RemoveUnusedNodesPass(),
        common.OutputFixPass(),
    )
    model: ModelProto = serde.to_proto(tidy(traced).model)
    return model


def _flatten(graph: Any) -> None:
    """The joined wave and its sizes become inputs, which `_onnx_inputs.complete` computes from a wave as it comes."""
    import onnx_ir

    grid, rest = graph.inputs[:2]
    whole = onnx_ir.Value(name="wave.whole", type=onnx_ir.TensorType(onnx_ir.DataType.FLOAT))
    rows, steps = (onnx_ir.Value(name=f"wave.{each}", type=onnx_ir.TensorType(onnx_ir.DataType.INT64)) for each in ("rows", "steps"))
    users = [node for node, _ in [*grid.uses(), *rest.uses()]]
    # Where there is no rest, the tracer leaves the joining out.
    joined = [node for node in users if node.op_type == "Concat"] or [node for node in users if node.op_type == "Reshape"]
    for node in joined:
        onnx_ir.convenience.replace_all_uses_with(node.outputs[0], whole)
    for node in users:
        if node.op_type == "Shape":
            axis = node.attributes["start"].as_int()
            onnx_ir.convenience.replace_all_uses_with(node.outputs[0], steps if axis else rows)
    graph.inputs[:2] = [whole, rows, steps]


def unit_of(pipe: Pipe) -> tuple[int, int, bool]:
    """Samples that the graph's time is a multiple of; the samples beyond; whether a wave is made longer by silence instead of trimmed.

    What is trimmed makes no frame and changes nothing. Front ends whose frames end at different places would each lose another, so for
    them the wave is made longer, which its length tells apart from sound.
    """
    front = pipe.frontend
    if pipe.streamable:
        return pipe.hop, pipe.overlap, False
    members = list(front.members.values()) if hasattr(front, "members") else [front]
    aligned = len({(each.hop, each.win % each.hop) for each in members}) == 1 and pipe.overlap >= 0
    if aligned and all(_framed(each) for each in members):
        return int(front.hop), pipe.overlap, False
    if len(members) == 1:
        return 1, 0, False
    return math.lcm(*(int(each.hop) for each in members)), 0, True


def _framed(frontend: Any) -> bool:
    """Whether frames lie within the wave, one hop apart from its first sample on."""
    return getattr(getattr(frontend, "framing", None), "padding", "") == "none" or bool(getattr(frontend, "streamable", False))
