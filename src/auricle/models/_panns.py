"""What the networks of PANNs share: normalised bins, blocks of masked convolutions and means over windows, the published names.

Kong et al. 2020 (PANNs: large-scale pretrained audio neural networks for audio pattern recognition). The published networks hold time
before frequency; here frequency comes first, so `convert` turns their kernels. The normalisation of the bins, published as `bn0`, belongs
to the network, for it is learnt; what follows the pooling over time is the head `max_mean_pool` with `hidden`, or `decision_pool` of the
networks that decide for each step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from auricle.errors import BundleError
from auricle.layers.masked import masked

_FROZEN = ("spectrogram_extractor.", "logmel_extractor.")  # transform and mel filters, which the front end computes
_HEAD = {
    "fc1.": "head.embed.1.",
    "fc_audioset.": "head.linear.",
    "att_block.cla.": "head.linear.",
    "att_block.att.": "head.attention.",
}
_UNUSED = "att_block.bn_att."  # saved by the published attention, which never calls it


class Tagger(nn.Module):
    """A network of PANNs.

    Args:
        bins: bins of the feature.
        blocks: by name; each makes a map and its length of a map and its length, and says its `stride` and `lookahead`.
        dim: channels of the last.
        dropout: probability of dropping a value behind each block while training.
    """

    streamable = False

    def __init__(self, bins: int, *, blocks: Mapping[str, nn.Module], dim: int, dropout: float) -> None:
        super().__init__()
        self.bins = bins
        self.dim = dim
        self.bn0 = nn.BatchNorm1d(bins)
        self.names = tuple(blocks)
        self.dropout = nn.Dropout(dropout)
        self.stride, self.lookahead = 1, 0
        for name, block in blocks.items():
            self.add_module(name, block)
            self.lookahead += self.stride * int(block.lookahead)  # type: ignore[arg-type]
            self.stride *= int(block.stride)  # type: ignore[arg-type]
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, M = N // stride, the mean over what bins are left, and [B] valid steps.
        """
        x = self.bn0(feature)[:, None]
        for name in self.names:
            x, length = self.get_submodule(name)(x, length)
            x = self.dropout(x)
        return x.mean(2), length


class Block(nn.Module):
    """Convolutions, each normalised and rectified, then the mean over windows.

    Args:
        inputs: input channels.
        outputs: output channels.
        kernel: extent in bins and in frames.
        convolutions: one or two.
        pool: bins and frames of a window.
        depthwise: whether the second convolution mixes no channels.
        widen: hidden units of two pointwise layers behind the convolutions, in units of the channels; 0 means none.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int = 3,
        convolutions: int = 2,
        pool: tuple[int, int] = (2, 2),
        depthwise: bool = False,
        widen: int = 0,
    ) -> None:
        super().__init__()
        self.pool = pool
        self.stride = pool[1]
        self.lookahead = convolutions * (kernel // 2)
        self.conv1 = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.two = convolutions == 2
        if self.two:
            groups = outputs if depthwise else 1
            self.conv2 = nn.Conv2d(outputs, outputs, kernel, padding=kernel // 2, bias=False, groups=groups)
            self.bn2 = nn.BatchNorm2d(outputs)
        self.widen = widen
        if widen:
            self.pwconv1 = nn.Linear(outputs, widen * outputs)
            self.pwconv2 = nn.Linear(widen * outputs, outputs)

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """The next map.

        Args:
            x: [B, C, F, N] map.
            length: [B] valid frames.

        Returns:
            [B, C', F', N // stride] map and [B] valid frames of it.
        """
        x = torch.relu(self.bn1(self.conv1(masked(x, length))))
        if self.two:
            x = torch.relu(self.bn2(self.conv2(masked(x, length))))
        if self.widen:
            x = self.pwconv2(nn.functional.gelu(self.pwconv1(x.movedim(1, -1)))).movedim(-1, 1)
        return pooled(x, length, self.pool)


class Features(nn.Sequential):
    """Layers one behind the other, by number: what they are made of may change time only in mean pooling."""

    residual = False  # whether what comes in is added to what goes out

    @property
    def stride(self) -> int:
        """Frames that one step is made of."""
        return self._reach()[0]

    @property
    def lookahead(self) -> int:
        """Frames that a step hears beyond its own."""
        return self._reach()[1]

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]  # the length comes along
        """The next map.

        Args:
            x: [B, C, F, N] map.
            length: [B] valid frames.

        Returns:
            [B, C', F', N // stride] map and [B] valid frames of it.
        """
        for layer in self:
            if isinstance(layer, nn.Conv2d) and layer.kernel_size[1] > 1:
                x = layer(masked(x, length))
            elif isinstance(layer, nn.AvgPool2d):
                x, length = pooled(x, length, window(layer))
            elif isinstance(layer, Features):
                y, length = layer(x, length)
                x = x + y if layer.residual else y
            else:
                x = layer(x)
        return x, length

    def _reach(self) -> tuple[int, int]:
        stride, lookahead = 1, 0
        for layer in self:
            if isinstance(layer, nn.Conv2d):
                lookahead += stride * (layer.kernel_size[1] // 2)
            elif isinstance(layer, nn.AvgPool2d):
                stride *= window(layer)[1]
            elif isinstance(layer, Features):
                lookahead += stride * layer.lookahead
                stride *= layer.stride
        return stride, lookahead


def window(layer: nn.AvgPool2d) -> tuple[int, int]:
    """Bins and frames that a layer takes the mean of."""
    size = layer.kernel_size
    return size if isinstance(size, tuple) else (size, size)


def pooled(x: Tensor, length: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The mean over whole windows; one that is partly padding is not part of the clip.

    Args:
        x: [B, C, F, N] map.
        length: [B] valid frames.
        size: bins and frames of a window.

    Returns:
        [B, C, F // bins, N // frames] map, and [B] valid frames of it.
    """
    if size == (1, 1):
        return x, length
    return nn.functional.avg_pool2d(x, size), torch.div(length, size[1], rounding_mode="floor")


def halvings(bins: int, count: int) -> list[int]:
    """Sizes of so many pools over the bins: 2, or 1 once a single bin is left."""
    sizes = []
    for _ in range(count):
        sizes.append(min(2, bins))
        bins //= sizes[-1]
    return sizes


def stack(bins: int, *, channels: Sequence[int], pools: int, kernel: int = 3, convolutions: int = 2) -> dict[str, nn.Module]:
    """The blocks of a plain network, by their published names.

    Args:
        bins: bins of the feature.
        channels: of each block.
        pools: how many of the blocks, from the first, halve bins and time.
        kernel: extent in bins and in frames.
        convolutions: of each block.

    Returns:
        `conv_block1` and so on.
    """
    sizes = [(height, 2) for height in halvings(bins, pools)] + [(1, 1)] * (len(channels) - pools)
    inputs = [1, *channels]
    return {
        f"conv_block{i + 1}": Block(inputs[i], outputs, kernel=kernel, convolutions=convolutions, pool=sizes[i])
        for i, outputs in enumerate(channels)
    }


def scaled(channels: Sequence[int], width: float) -> tuple[int, ...]:
    """So many times as many channels, one at least."""
    return tuple(max(1, round(width * count)) for count in channels)


def convert(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published network's tensors under auricle's names, of model and head.

    Args:
        state: what the published file holds under "model", names to tensors.

    Returns:
        Names that begin with `model.` and `head.`; the frozen transform and mel filters are left out.

    Raises:
        BundleError: there is nothing of such a network in it.
    """
    if "bn0.weight" not in state:
        raise BundleError("the state has no bn0.weight, which every network of PANNs has", hint='a published file holds it under "model"')
    converted: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.startswith((*_FROZEN, _UNUSED)):
            continue
        head = next((new + name.removeprefix(old) for old, new in _HEAD.items() if name.startswith(old)), None)
        if head:
            converted[head] = value.squeeze(-1) if value.ndim == 3 else value  # a convolution over single steps is a linear layer
        else:
            converted[f"model.{name}"] = value.transpose(2, 3).contiguous() if value.ndim == 4 else value
    return converted
