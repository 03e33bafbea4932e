"""YAMNet: MobileNetV1 on patches of 0.96 s every 0.48 s, as published with AudioSet's 521 classes.

Howard et al. 2017 (MobileNets, table 1) with Plakal and Ellis's patches (tensorflow/models, research/audioset/yamnet). It wants the front
end `log_mel` with `flavour = "yamnet"`; a step of 1024 features is the mean over one patch, and the head `mean_pool` of 521 classes its
classifier. Strided convolutions are padded at the far side as TensorFlow pads them. 3,206,400 parameters without the classifier. A patch
is heard as a whole and keeps nothing, so it does not stream. `convert` takes weights with the normalisation folded in.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from auricle.errors import BundleError, ShapeError

_CHANNELS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_STRIDED = (0, 2, 4, 6, 12)
_EPSILON = 1e-4


class Yamnet(nn.Module):
    """A convolution and thirteen separable ones on each patch.

    Args:
        bins: bins of the feature; 64 as published.
        width: channels in units of the published.
        patch: frames of a patch.
        hop: frames from one patch to the next.
    """

    small: ClassVar[dict[str, object]] = {"width": 0.125, "patch": 32, "hop": 16}
    streamable = False
    obstacle = "a patch is heard as a whole"

    def __init__(self, bins: int, *, width: float = 1.0, patch: int = 96, hop: int = 48) -> None:
        super().__init__()
        self.bins = bins
        self.patch = patch
        self.stride = hop
        self.lookahead = max(0, patch - hop)
        self.min_frames = patch
        channels = [max(1, round(width * count)) for count in _CHANNELS]
        self.dim = channels[-1]
        self.layers = nn.ModuleList([_Convolution(1, channels[0], stride=2)])
        for i, (inputs, outputs) in enumerate(pairwise(channels), start=1):
            self.layers.append(_Convolution(inputs, inputs, stride=2 if i in _STRIDED else 1, groups=inputs))
            self.layers.append(_Convolution(inputs, outputs, kernel=1))

    def steps(self, frames: Tensor) -> Tensor:
        """How many patches so many frames hold.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps.
        """
        return (torch.div(frames - self.patch, self.stride, rounding_mode="floor") + 1).clamp(min=0)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, a step a patch, and [B] valid steps.

        Raises:
            ShapeError: the clip is shorter than a patch.
        """
        if not torch.compiler.is_exporting() and feature.shape[-1] < self.patch:
            raise ShapeError(f"the clip has {feature.shape[-1]} frames; a patch of YAMNet has {self.patch}")
        patches = feature.unfold(-1, self.patch, self.stride)  # [B, F, M, patch]
        rows, bins, count, _ = patches.shape
        x = patches.permute(0, 2, 3, 1).reshape(rows * count, 1, self.patch, bins)
        for layer in self.layers:
            x = layer(x)
        return x.mean((2, 3)).reshape(rows, count, self.dim).transpose(1, 2), self.steps(length)


class _Convolution(nn.Module):
    """A convolution, normalised and rectified."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        if self.kernel > 1:
            x = nn.functional.pad(x, [side for size in (x.shape[3], x.shape[2]) for side in self._around(int(size))])
        return torch.relu(self.norm(self.conv(x)))

    def _around(self, size: int) -> tuple[int, int]:
        """Zeros before and behind, so that there is an answer for every `stride` inputs; the odd one stands behind."""
        total = max(0, (-(-size // self.stride) - 1) * self.stride + self.kernel - size)
        return total // 2, total - total // 2


def convert(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Kernels and biases of YAMNet with folded normalisation, in the order of its layers, under auricle's names.

    Args:
        state: kernels [C', C, h, w], each followed by its bias [C']; and `model.classifier.weight` and `.bias`, where they are there.

    Returns:
        [...] by names that begin with `model.` and `head.`.

    Raises:
        BundleError: they are not as many, or not of these shapes.
    """
    kernels = [value for value in state.values() if value.ndim == 4]
    biases = [value for name, value in state.items() if value.ndim == 1 and "classifier" not in name]
    model = Yamnet(64)
    if not len(kernels) == len(biases) == len(model.layers):
        raise BundleError(f"the state has {len(kernels)} kernels and {len(biases)} biases; YAMNet has {len(model.layers)} of each")
    found: dict[str, Tensor] = {}
    for i, (kernel, bias, layer) in enumerate(zip(kernels, biases, model.layers, strict=True)):
        own = layer.get_parameter("conv.weight")
        if kernel.shape != own.shape or len(bias) != len(own):
            raise BundleError(f"kernel {i} of the state is {list(kernel.shape)}; YAMNet's is {list(own.shape)}")
        found |= {
            f"model.layers.{i}.conv.weight": kernel.clone(),
            f"model.layers.{i}.norm.weight": torch.ones(len(bias)),
            f"model.layers.{i}.norm.bias": bias.clone(),
            f"model.layers.{i}.norm.running_mean": torch.zeros(len(bias)),
            f"model.layers.{i}.norm.running_var": torch.full((len(bias),), 1 - _EPSILON),  # the root of the variance is then 1
            f"model.layers.{i}.norm.num_batches_tracked": torch.tensor(0),
        }
    head = {"model.classifier.weight": "head.linear.weight", "model.classifier.bias": "head.linear.bias"}
    return found | {ours: state[theirs].clone() for theirs, ours in head.items() if theirs in state}
