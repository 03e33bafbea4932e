"""SoundNet-8: a convolutional network on the raw wave that was taught by vision networks on two million videos.

Aytar, Vondrick and Torralba 2016 (SoundNet: learning sound representations from unlabeled video, section 3). As published it wants the
front end `raw` with `full_scale = 256` at 22,050 Hz; short clips are tiled. `until` names the layer whose features are the hidden
sequence: "conv1" to "conv7" behind their rectifier, "pool1", "pool2" and "pool5" behind their maximum, "conv8" the logits of 1000 objects
and 401 scenes. Layers behind it are left out. `convert` and `convert_arrays` rename published weights, of the PyTorch port and of the
`.npy` file. Its convolutions see both sides, so it does not stream; steps are counted by `steps(N)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from auricle.errors import BundleError, ShapeError
from auricle.layers.masked import masked
from auricle.models._arrays import arrays

# Channels, kernel, stride and padding of each convolution, and the pool behind it.
_LAYERS = (
    (16, 64, 2, 32, 8),
    (32, 32, 2, 16, 8),
    (64, 16, 2, 8, 1),
    (128, 8, 2, 4, 1),
    (256, 4, 2, 2, 4),
    (512, 4, 2, 2, 1),
    (1024, 4, 2, 2, 1),
)
_OBJECTS, _SCENES = 1000, 401
_LAST = (8, 2, 0)  # kernel, stride and padding of conv8
_PORT = {"weights": "0.weight", "biases": "0.bias", "gamma": "1.weight", "beta": "1.bias", "mean": "1.running_mean", "var": "1.running_var"}


class SoundNet8(nn.Module):
    """Seven convolutions with pools, and two classifiers in an eighth.

    Args:
        bins: input channels; 1 as published.
        until: the layer whose features are wanted.
        width: channels in units of the published.
    """

    small: ClassVar[dict[str, object]] = {"until": "conv3", "width": 0.125}
    streamable = False

    def __init__(
        self,
        bins: int,
        *,
        until: Literal["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "conv6", "conv7", "conv8"] = "conv7",
        width: float = 1.0,
    ) -> None:
        super().__init__()
        self.bins = bins
        self.until = until
        self.spans: list[tuple[int, int, int]] = []  # kernel, stride and padding of every convolution and pool on the way
        inputs = bins
        for i, (count, *span, pool) in enumerate(_LAYERS[: int(until[-1])]):
            outputs = max(1, round(width * count))
            convolution = nn.Conv1d(inputs, outputs, span[0], span[1], span[2])
            self.add_module(f"conv{i + 1}", nn.Sequential(convolution, nn.BatchNorm1d(outputs)))
            self.spans.append((span[0], span[1], span[2]))
            if pool > 1 and until != f"conv{i + 1}":
                self.spans.append((pool, pool, 0))
            inputs = outputs
        self.dim = inputs
        if until == "conv8":
            self.conv8 = nn.Sequential(nn.Conv1d(inputs, _OBJECTS, *_LAST))
            self.conv8_2 = nn.Sequential(nn.Conv1d(inputs, _SCENES, *_LAST))
            self.spans.append(_LAST)
            self.dim = _OBJECTS + _SCENES
        self.stride, self.min_frames, last = 1, 1, 0
        for kernel, stride, padding in reversed(self.spans):
            self.stride *= stride
            self.min_frames = (self.min_frames - 1) * stride + kernel - 2 * padding
            last = last * stride - padding + kernel - 1  # the last frame that step 0 hears
        self.lookahead = max(0, last + 1 - self.stride)
        for layer in self.modules():
            if isinstance(layer, nn.Conv1d):
                nn.init.normal_(layer.weight, std=0.01)
            elif isinstance(layer, nn.BatchNorm1d):
                nn.init.normal_(layer.weight, 1.0, 0.02)

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps so many frames make.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps.
        """
        for span in self.spans:
            frames = _counted(frames, span)
        return frames

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames, which are samples of the wave.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, and [B] valid steps.

        Raises:
            ShapeError: the clip is too short for one step.
        """
        if not torch.compiler.is_exporting() and feature.shape[-1] < self.min_frames:
            raise ShapeError(f"the clip has {feature.shape[-1]:,} frames; {self.until} of SoundNet-8 needs {self.min_frames:,}; tile it")
        x = feature
        for i, (_, *span, pool) in enumerate(_LAYERS[: int(self.until[-1])]):
            x = torch.relu(self.get_submodule(f"conv{i + 1}")(masked(x, length)))
            length = _counted(length, (span[0], span[1], span[2]))
            if pool > 1 and self.until != f"conv{i + 1}":
                x = nn.functional.max_pool1d(x, pool)
                length = _counted(length, (pool, pool, 0))
        if self.until == "conv8":
            x = torch.cat([self.conv8(x), self.conv8_2(x)], dim=1)
            length = _counted(length, _LAST)
        return x, length


def _counted(frames: Tensor, span: tuple[int, int, int]) -> Tensor:
    kernel, stride, padding = span
    return (torch.div(frames + 2 * padding - kernel, stride, rounding_mode="floor") + 1).clamp(min=0)


def convert(state: Mapping[str, Tensor], *, until: str = "conv8") -> dict[str, Tensor]:
    """The tensors of the PyTorch port under auricle's names.

    Args:
        state: the port's, names to tensors; kernels are [C', C, k, 1].
        until: as the model was made.

    Returns:
        Names that begin with `model.`; layers behind `until` are left out.

    Raises:
        BundleError: there is nothing of SoundNet-8 in it.
    """
    if "conv1.0.weight" not in state:
        raise BundleError("the state has no conv1.0.weight, which every port of SoundNet-8 has")
    return {
        f"model.{name}": value.squeeze(-1) if value.ndim == 4 else value for name, value in state.items() if name[:5] <= f"conv{until[-1]}"
    }


def convert_arrays(path: Path, *, until: str = "conv8") -> dict[str, Tensor]:
    """The arrays of the published `.npy` file under auricle's names; the file is read without running anything in it.

    Args:
        path: the file; kernels are [k, 1, C, C'].
        until: as the model was made.

    Returns:
        Names that begin with `model.`; layers behind `until` are left out.

    Raises:
        BundleError: the file is damaged, hostile or something else.
    """
    state: dict[str, Tensor] = {}
    for layer, parts in arrays(path).items():
        unknown = sorted(parts.keys() - _PORT.keys())
        if unknown:
            raise BundleError(f"{path}: {layer} holds {', '.join(unknown)}; wanted {', '.join(_PORT)}")
        for name, value in parts.items():
            tensor = torch.from_numpy(value.copy())
            state[f"{layer}.{_PORT[name]}"] = tensor.permute(3, 2, 0, 1).contiguous() if tensor.ndim == 4 else tensor.flatten()
        if "mean" in parts:
            state[f"{layer}.1.num_batches_tracked"] = torch.tensor(0)
    return convert(state, until=until)
