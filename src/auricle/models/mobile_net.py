"""MobileNetV3 for sound: inverted residual blocks with squeeze and excitation, taught on AudioSet by an ensemble of transformers.

Howard et al. 2019 (Searching for MobileNetV3, table 1) as Schmid et al. 2023 (Efficient large-scale audio tagging via transformer-to-CNN
knowledge distillation) have it for sound. `width` 0.4 is their mn04 (983,599 parameters with its classifier), 1.0 their mn10 (4,876,831).
With the front end `log_mel` of flavour `efficient_at` and the head `mlp_pool` of as many hidden units as the published classifier
(`hidden_units`) it is their network, whose weights `convert` renames. Each squeeze takes the mean over the whole clip, so it does not
stream. Convolutions of stride 2 keep a last odd frame, so that N frames make `steps(N)` of them, a 32nd part rounded up.

Norms follow by a hundredth a step, as published, and in a run of few steps by as much more as it needs (`auricle.learning.norms`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from auricle.errors import BundleError
from auricle.layers.masked import masked

# Kernel, widened channels, channels, squeeze and excitation, hard swish (else rectifier), stride; at width 1.
BLOCKS = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)
FIRST = 16
_HIDDEN = 1280
_REDUCTION = 4  # of the channels, inside squeeze and excitation
_LAST = 6  # times as many channels behind the last block
_HEAD = {"classifier.2.": "head.embed.0.", "classifier.5.": "head.linear."}


class MobileNet(nn.Module):
    """A convolution, fifteen inverted residual blocks, a pointwise convolution.

    Args:
        bins: bins of the feature; 128 as published.
        width: channels in units of the published mn10.
    """

    small: ClassVar[dict[str, object]] = {"width": 0.1}
    streamable, stride, lookahead = False, 32, -1

    def __init__(self, bins: int, *, width: float = 1.0) -> None:
        super().__init__()
        self.bins = bins
        inputs = eighths(FIRST * width)
        layers: list[nn.Module] = [Layer(1, inputs, kernel=3, stride=2, activation=nn.Hardswish())]
        for kernel, wide, outputs, squeeze, swish, stride in BLOCKS:
            wide, outputs = eighths(wide * width), eighths(outputs * width)
            layers.append(Inverted(inputs, outputs, wide=wide, kernel=kernel, stride=stride, squeeze=squeeze, swish=swish))
            inputs = outputs
        self.dim = _LAST * inputs
        self.features = nn.Sequential(*layers, Layer(inputs, self.dim, activation=nn.Hardswish()))
        begin(self)

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps so many frames make.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps.
        """
        return torch.div(frames + self.stride - 1, self.stride, rounding_mode="floor")

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, the mean over what bins are left, and [B] valid steps.
        """
        x = feature[:, None]
        for layer in self.features:
            x, length = layer(x, length)
        return x.mean(2), length


class Layer(nn.Sequential):
    """Convolution, normalisation and perhaps an activation.

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: extent in bins and in frames.
        stride: bins and frames from one place to the next.
        groups: of channels that don't see each other.
        activation: behind the normalisation.
    """

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1, activation: nn.Module | None = None
    ) -> None:
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        super().__init__(convolution, norm(outputs), *([activation] if activation else []))
        self.halves = stride == 2
        self.looks_around = kernel > 1

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]  # the length comes along
        """The next map.

        Args:
            x: [B, C, F, N] map.
            length: [B] valid frames.

        Returns:
            [B, C', F', N'] map and [B] valid frames of it.
        """
        x = masked(x, length) if self.looks_around else x
        for layer in self:
            x = layer(x)
        return x, halved(length) if self.halves else length


class Inverted(nn.Module):
    """Widen, filter each channel, weigh the channels, narrow; beside the identity where the size stays.

    Args:
        inputs: input channels.
        outputs: output channels.
        wide: channels between.
        kernel: extent in bins and in frames.
        stride: bins and frames from one place to the next.
        squeeze: whether channels are weighed.
        swish: hard swish as activation, else the rectifier.
    """

    def __init__(self, inputs: int, outputs: int, *, wide: int, kernel: int, stride: int, squeeze: bool, swish: bool) -> None:
        super().__init__()
        activation = nn.Hardswish() if swish else nn.ReLU()
        layers: list[nn.Module] = [Layer(inputs, wide, activation=activation)] if wide != inputs else []
        layers.append(Layer(wide, wide, kernel=kernel, stride=stride, groups=wide, activation=activation))
        if squeeze:
            layers.append(_Concurrent(wide))
        self.block = nn.Sequential(*layers, Layer(wide, outputs))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """The next map.

        Args:
            x: [B, C, F, N] map.
            length: [B] valid frames.

        Returns:
            [B, C', F', N'] map and [B] valid frames of it.
        """
        y = x
        for layer in self.block:
            y, length = layer(y, length)
        return (x + y if self.residual else y), length


class _Concurrent(nn.Module):
    """Squeeze and excitation of the channels; the published names count a level for others beside it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conc_se_layers = nn.ModuleList([_Squeeze(channels)])

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        return self.conc_se_layers[0](x, length), length


class _Squeeze(nn.Module):
    """Each channel times what two layers make of all channels' means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        units = eighths(channels // _REDUCTION)
        self.fc1 = nn.Linear(channels, units)
        self.fc2 = nn.Linear(units, channels)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        mean = masked(x, length).sum((2, 3)) / (x.shape[2] * length.clamp(min=1)[:, None]).to(x.dtype)
        weight = torch.sigmoid(self.fc2(torch.relu(self.fc1(mean))))
        return x * weight[..., None, None]


def begin(network: nn.Module) -> None:
    """Random weights as published networks begin with.

    Args:
        network: changed in place.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.zeros_(layer.bias)


def norm(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with the published constants."""
    return nn.BatchNorm2d(channels, eps=0.001, momentum=0.01)


def halved(length: Tensor) -> Tensor:
    """Frames behind a convolution of stride 2 that keeps a last odd one.

    Args:
        length: [B] frames.

    Returns:
        [B] frames.
    """
    return torch.div(length + 1, 2, rounding_mode="floor")


def eighths(channels: float) -> int:
    """The nearest multiple of 8, at least 8, and never less than nine tenths.

    >>> [eighths(each * 0.4) for each in (16, 64, 1280)]
    [8, 24, 512]
    """
    found = max(8, int(channels + 4) // 8 * 8)
    return found + 8 if found < 0.9 * channels else found


def hidden_units(width: float) -> int:
    """Units of the hidden layer in the published classifier.

    Args:
        width: of the network.

    Returns:
        What `mlp_pool` calls `hidden`.
    """
    return eighths(_HIDDEN * width)


def convert(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published network's tensors under auricle's names, of model and head.

    Args:
        state: what the published file holds, names to tensors.

    Returns:
        Names that begin with `model.` and `head.`.

    Raises:
        BundleError: there is nothing of such a network in it.
    """
    if "classifier.5.weight" not in state:
        raise BundleError("the state has no classifier.5.weight, which every network of EfficientAT with that classifier has")
    converted: dict[str, Tensor] = {}
    for name, value in state.items():
        head = next((new + name.removeprefix(old) for old, new in _HEAD.items() if name.startswith(old)), None)
        converted[head or f"model.{name}"] = value
    return converted
