"""A network from elsewhere, as an ONNX file that takes windows of frames and answers each by an embedding; frozen.

Any file whose first output depends on one input of one length, and on nothing but its own row, can be `source`. `layout` spells the axes of
that input: B the rows, F the bins, N the frames of a window, 1 an axis of one; a wave (front end `raw`) is "BN". The file becomes part of
the weights, so that a bundle needs it no more, and its operators part of the exported graph. It is data: nothing in it is run but
the operators of ONNX, and it may name no other file. There is no way back through it, so only what follows it learns; `transfer.probe`
is the quick way. Without `source` the window's mean stands in for it.

A window's embedding needs all of its frames and it keeps none, so it does not stream. Google's speech embedding (Lin et al. 2020), for
example: front end `log_mel` with `flavour = "speech_embedding"`, `window = 76`, `hop = 8`, `layout = "BNF1"`, for words `margin = 38`.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, library, nn

from auricle.errors import BundleError, RequestError, ShapeError
from auricle.layers.masked import valid

_LETTERS = "BFN"


class Foreign(nn.Module):
    """Windows of a feature through an ONNX graph.

    Args:
        bins: bins of the feature.
        source: the ONNX file; "" takes the mean of each window's frames instead.
        config: size of the file in bytes and dimension of its answer; None looks at `source`.
        window: frames that the network takes at a time.
        hop: frames from one window to the next.
        layout: axes of the network's input.
        margin: frames of silence before and behind each clip, so that what is shorter than a window stands in the middle of some.
    """

    streamable = False
    frozen = True
    obstacle = "a window's embedding needs all of its frames"
    graph: Tensor
    silence: Tensor

    def __init__(
        self,
        bins: int,
        *,
        source: str = "",
        config: dict[str, int] | None = None,
        window: int = 16,
        hop: int = 8,
        layout: str = "BFN",
        margin: int = 0,
    ) -> None:
        super().__init__()
        letters = layout.replace("1", "")
        if sorted(letters) != sorted("BN" if bins == 1 and "F" not in layout else _LETTERS):
            raise RequestError(f"model.layout is {layout!r}; wanted each of B, F and N once, and 1 for an axis of one")
        if window < 1 or hop < 1:
            raise RequestError(f"model.window is {window} and model.hop {hop}; wanted at least a frame each")
        if margin < 0:
            raise RequestError(f"model.margin is {margin}; wanted 0 or more frames")
        content = b"" if config else _content(source) if source else _mean(bins, window, layout)
        config = config or looked_at(content, source or "the mean", window=window, layout=layout)
        if config["bins"] != bins:
            raise RequestError(f"the front end gives {bins} bins; {source} takes {config['bins']}")
        self.source, self.window, self.hop, self.layout = source, window, hop, layout
        self.dim = config["dim"]
        self.stride = hop
        self.margin = margin
        self.lookahead = max(0, window - hop)
        self.min_frames = max(1, window - 2 * margin)
        self.register_buffer("graph", torch.zeros(config["bytes"], dtype=torch.uint8))
        if margin:
            self.register_buffer("silence", torch.zeros(bins, 1))
        if content:
            self._take(content)

    @staticmethod
    def described(args: dict[str, Any]) -> dict[str, Any]:
        """Settings that say what the file is like.

        Args:
            args: settings.

        Returns:
            The same with `config`.
        """
        if not args["source"] or args["config"]:
            return args
        content = _content(args["source"])
        return {**args, "config": looked_at(content, args["source"], window=args["window"], layout=args["layout"])}

    def begin(self, frontend: Any) -> None:
        """Take the content of the file that `source` names.

        Args:
            frontend: that the network is fed by.

        Raises:
            RequestError: the file is not there, or no longer what it was.
        """
        self.take(_content(self.source) if self.source else b"", frontend, self.source)

    @torch.no_grad()
    def take(self, content: bytes, frontend: Any, source: str) -> None:
        """Take a file's content, and what the front end makes of silence.

        Args:
            content: of the ONNX file; nothing leaves the graph as it is.
            frontend: that the network is fed by.
            source: named in errors.

        Raises:
            RequestError: it is not as long as the settings say.
        """
        if content and len(content) != len(self.graph):
            raise RequestError(f"{source} has {len(content)} bytes; model.config says {len(self.graph)}")
        if content:
            self._take(content)
        if self.margin:
            feature, _ = frontend(torch.zeros(1, frontend.win), torch.tensor([frontend.win]))
            self.silence.copy_(feature[0, :, :1])

    def origin(self) -> dict[str, Any]:
        """What is known of the file, for a model's card.

        Returns:
            Its name and digest; nothing where there is none.
        """
        digest = hashlib.sha256(self.graph.cpu().numpy().tobytes()).hexdigest()
        return {"weights": Path(self.source).name, "sha256": digest} if self.source else {}

    def steps(self, frames: Tensor) -> Tensor:
        """How many windows so many frames hold.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps.
        """
        return (torch.div(frames + 2 * self.margin - self.window, self.hop, rounding_mode="floor") + 1).clamp(min=0)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, and [B] valid steps.

        Raises:
            ShapeError: the clip is shorter than a window.
        """
        if not torch.compiler.is_exporting() and feature.shape[-1] < self.min_frames:
            raise ShapeError(f"the clip has {feature.shape[-1]} frames; the network takes {self.min_frames} at a time")
        if self.margin:
            around = self.silence.expand(len(feature), -1, self.margin)
            heard = torch.where(valid(length, feature.shape[-1])[:, None], feature, self.silence)
            feature = torch.cat([around, heard, around], dim=-1)
        rows, bins, _ = feature.shape
        windows = feature.unfold(-1, self.window, self.hop)  # [B, F, M, W]
        count = windows.shape[2]
        x = windows.transpose(1, 2).reshape(rows * count, bins, self.window)
        x = x.permute(*("BFN".index(letter) for letter in self.layout if letter in "BFN")) if "F" in self.layout else x[:, 0]
        if "F" not in self.layout and self.layout.replace("1", "") == "NB":
            x = x.T
        for at, letter in enumerate(self.layout):
            if letter == "1":
                x = x.unsqueeze(at)
        y = torch.ops.auricle.foreign(x.contiguous(), self.graph, self.dim, self.layout.index("B"))
        return y.reshape(rows, count, self.dim).transpose(1, 2), self.steps(length)

    def _take(self, content: bytes) -> None:
        self.graph.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))


@library.custom_op("auricle::foreign", mutates_args=())
def _foreign(x: Tensor, graph: Tensor, dim: int, rows: int) -> Tensor:
    """[R, D] first answer of a graph to its one input; `rows` is the input's axis of rows."""
    opened = _session(graph.cpu().numpy().tobytes())
    found: Any = opened.run([opened.get_outputs()[0].name], {opened.get_inputs()[0].name: x.detach().cpu().numpy()})[0]
    return torch.from_numpy(np.ascontiguousarray(found.reshape(x.shape[rows], dim))).to(x.device)


@_foreign.register_fake
def _(x: Tensor, graph: Tensor, dim: int, rows: int) -> Tensor:  # noqa: ARG001 - the operator's signature
    return x.new_empty(x.shape[rows], dim)


def looked_at(content: bytes, source: str, *, window: int, layout: str) -> dict[str, int]:
    """What a graph takes and gives, once it is known to be fit for windows in batches.

    Args:
        content: of the ONNX file.
        source: named in errors.
        window: frames that it takes at a time.
        layout: axes of its input.

    Returns:
        `bytes` of the file, `bins` of its input and `dim` of its answer.

    Raises:
        RequestError: it wants another input, one row at a time, or lets rows know each other.
        BundleError: it is no ONNX file, or names other files.
    """
    opened = _session(content, source)
    if len(opened.get_inputs()) != 1:
        names = ", ".join(each.name for each in opened.get_inputs())
        raise RequestError(f"{source} has the inputs {names}; wanted one, without a state")
    given = opened.get_inputs()[0]
    shape = given.shape
    if given.type != "tensor(float)" or len(shape) != len(layout):
        raise RequestError(f"{source} takes {given.type} of shape {shape}; model.layout {layout!r} gives {len(layout)} axes of floats")
    sizes = {"N": window, "1": 1}
    for letter, size in zip(layout, shape, strict=True):
        if letter == "B" and isinstance(size, int):
            raise RequestError(f"{source} takes {size} rows at a time; wanted any number")
        if letter == "F":
            if not isinstance(size, int):
                raise RequestError(f"{source} takes any number of bins; wanted a fixed one, axis F of shape {shape}")
            sizes["F"] = size
        if letter in "N1" and isinstance(size, int) and size != sizes[letter]:
            raise RequestError(f"{source} takes {size} in axis {letter} of shape {shape}; model gives {sizes[letter]}")
    rows = 3
    x = np.random.default_rng(0).standard_normal([sizes.get(letter, rows) for letter in layout]).astype(np.float32)
    axis = layout.index("B")
    name = opened.get_outputs()[0].name
    try:
        answer = opened.run([name], {given.name: x})[0]
        alone = opened.run([name], {given.name: np.take(x, [1], axis)})[0]
    except Exception as wrong:  # the runtime's own exceptions share no other parent
        raise RequestError(f"{source} can't answer {rows} windows of {window} frames: {' '.join(str(wrong).split())[:160]}") from wrong
    if answer.shape[0] != rows or answer.dtype != np.float32:
        raise RequestError(f"{source} answers {rows} rows by {answer.dtype} of shape {list(answer.shape)}; wanted a row of floats for each")
    if not np.allclose(answer[1], alone[0], atol=1e-4 * max(1.0, float(np.abs(answer).max()))):
        raise RequestError(f"{source} answers a row otherwise when there are others beside it; its rows know each other")
    return {"bytes": len(content), "bins": sizes.get("F", 1), "dim": int(answer[0].size)}


@lru_cache(maxsize=4)
def _session(content: bytes, source: str = "the graph") -> Any:
    """One session a graph; the operators run on as many threads as torch's."""
    import onnx
    import onnxruntime

    try:
        model = onnx.load_from_string(content)
    except Exception as wrong:  # of the message's parser
        raise BundleError(f"{source} is not an ONNX file: {' '.join(str(wrong).split())[:100]}") from wrong
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise BundleError(f"{source} keeps its weights in another file; wanted one file")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as wrong:  # the runtime's own exceptions share no other parent
        raise BundleError(f"{source} is not a graph that can be opened: {' '.join(str(wrong).split())[:160]}") from wrong


def _content(source: str) -> bytes:
    path = Path(source).expanduser()
    if not path.is_file():
        raise RequestError(f"model.source is {source}, which is not a file; wanted an ONNX file")
    return path.read_bytes()


def _mean(bins: int, window: int, layout: str) -> bytes:
    """A graph that gives each bin's mean over the window."""
    from onnx import TensorProto, helper

    axes = [at for at, letter in enumerate(layout) if letter in "N1"]
    sizes: dict[str, str | int] = {"B": "rows", "F": bins, "N": window, "1": 1}
    shape = [sizes[letter] for letter in layout]
    nodes = [helper.make_node("ReduceMean", ["x", "axes"], ["y"], keepdims=0)]
    if "F" in layout and layout.index("F") < layout.index("B"):
        nodes = [helper.make_node("ReduceMean", ["x", "axes"], ["z"], keepdims=0), helper.make_node("Transpose", ["z"], ["y"], perm=[1, 0])]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("axes", TensorProto.INT64, [len(axes)], axes)],
    )
    content: bytes = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    return content
