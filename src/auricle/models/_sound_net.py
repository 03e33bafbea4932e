"""What the networks of SoundNet share: convolutions and pools on the raw wave, of which any may be the last, and their published names.

Aytar, Vondrick and Torralba 2016 (SoundNet: learning sound representations from unlabeled video).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from auricle.errors import ShapeError
from auricle.layers.masked import masked

_OBJECTS, _SCENES = 1000, 401
Layer = tuple[int, int, int, int, int]  # channels, kernel, stride and padding of a convolution, and the pool behind it


class SoundNet(nn.Module):
    """Convolutions with pools, and two classifiers in the last.

    Args:
        bins: input channels.
        layers: all but the classifiers.
        last: kernel, stride and padding of the classifiers.
        until: the layer whose features are wanted, "conv" or "pool" and its number.
        width: channels in units of the published.
    """

    streamable = False

    def __init__(self, bins: int, *, layers: tuple[Layer, ...], last: tuple[int, int, int], until: str, width: float) -> None:
        super().__init__()
        self.bins = bins
        self.until = until
        self.layers = layers[: int(until[-1])]
        self.last = last
        self.classifies = int(until[-1]) > len(layers)
        self.spans: list[tuple[int, int, int]] = []  # kernel, stride and padding of every convolution and pool on the way
        inputs = bins
        for i, (count, kernel, stride, padding, pool) in enumerate(self.layers):
            outputs = max(1, round(width * count))
            convolution = nn.Conv1d(inputs, outputs, kernel, stride, padding)
            self.add_module(f"conv{i + 1}", nn.Sequential(convolution, nn.BatchNorm1d(outputs)))
            self.spans.append((kernel, stride, padding))
            if pool > 1 and until != f"conv{i + 1}":
                self.spans.append((pool, pool, 0))
            inputs = outputs
        self.dim = inputs
        if self.classifies:
            self.add_module(until, nn.Sequential(nn.Conv1d(inputs, _OBJECTS, *last)))
            self.add_module(f"{until}_2", nn.Sequential(nn.Conv1d(inputs, _SCENES, *last)))
            self.spans.append(last)
            self.dim = _OBJECTS + _SCENES
        self.stride, self.min_frames, end = 1, 1, 0
        for kernel, stride, padding in reversed(self.spans):
            self.stride *= stride
            self.min_frames = max(1, (self.min_frames - 1) * stride + kernel - 2 * padding)
            end = end * stride - padding + kernel - 1  # the last frame that step 0 hears
        self.lookahead = max(0, end + 1 - self.stride)
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
            frames = counted(frames, span)
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
            network = f"SoundNet-{type(self).__name__[-1]}"
            raise ShapeError(f"the clip has {feature.shape[-1]:,} frames; {self.until} of {network} needs {self.min_frames:,}; tile it")
        x = feature
        for i, (_, *span, pool) in enumerate(self.layers):
            x = torch.relu(self.get_submodule(f"conv{i + 1}")(masked(x, length)))
            length = counted(length, (span[0], span[1], span[2]))
            if pool > 1 and self.until != f"conv{i + 1}":
                x = nn.functional.max_pool1d(x, pool)
                length = counted(length, (pool, pool, 0))
        if self.classifies:
            x = masked(x, length)
            x = torch.cat([self.get_submodule(self.until)(x), self.get_submodule(f"{self.until}_2")(x)], dim=1)
            length = counted(length, self.last)
        return x, length


def counted(frames: Tensor, span: tuple[int, int, int]) -> Tensor:
    """Steps that a convolution or pool makes.

    Args:
        frames: [B] frames.
        span: its kernel, stride and padding.

    Returns:
        [B] steps.
    """
    kernel, stride, padding = span
    return (torch.div(frames + 2 * padding - kernel, stride, rounding_mode="floor") + 1).clamp(min=0)


def renamed(state: Mapping[str, Tensor], *, until: str) -> dict[str, Tensor]:
    """The tensors of a port with two-dimensional kernels under auricle's names.

    Args:
        state: the port's, names to tensors; kernels are [C', C, k, 1].
        until: as the model was made; layers behind it are left out.

    Returns:
        Names that begin with `model.`.
    """
    return {
        f"model.{name}": value.squeeze(-1) if value.ndim == 4 else value for name, value in state.items() if name[:5] <= f"conv{until[-1]}"
    }
