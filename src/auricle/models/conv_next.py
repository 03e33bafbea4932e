"""ConvNeXt for sound: the modern convolutional network over a log-mel picture, dense or with learnable spacings.

Liu et al. 2022 (A ConvNet for the 2020s), as Pellegrini et al. 2023 (Adapting a ConvNeXt model to audio classification on AudioSet) have
it; with `taps`, as Khalfaoui-Hassani et al. 2023 (Audio classification with dilated convolution with learnable spacings).

- tiny has the default depths and dims, small `depths = [3, 3, 27, 3]`, base these and `dims = [128, 256, 512, 1024]`; each is a `flavour`,
  and so is `dcls`, the second paper's network.
- Stems of the first paper, by the map that they make of 224 bins and 1001 frames: 252 × 56 is the default; 56 × 56 is
  `stem_kernel = [4, 18], stem_stride = [4, 18], stem_padding = 9`; 112 × 112 `[2, 9], [2, 9], 4`; 504 × 28 `[8, 4], [8, 2], 5`; 504 × 56
  `[4, 4], [4, 2], 5`. The second paper, of 128 bins, has `[2, 16], [2, 16], 0`, `bin_norm = false`, and `taps = 26, kernel = 23`.

Pooling and classifier are the head `max_mean_pool` with `norm = true`, and 527 classes: what its `embedding` gives is the first paper's
embedding of a scene, the model's `map` that of frames; `convert` renames published weights. The stem's padding makes steps of its own, so
there are `steps(N)` of them, not N // stride. Its kernels see both sides, so it does not stream. Where fewer than 32 bins come in, the last
halvings leave the bins alone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from auricle.errors import BundleError, RequestError
from auricle.layers.dcls import Dcls, Spacings
from auricle.layers.drop_path import DropPath
from auricle.layers.masked import masked

_FROZEN = ("spectrogram_extractor.", "logmel_extractor.")
_HEAD = {"norm.": "head.embed.1.", "head_audioset.": "head.linear."}


class ConvNext(nn.Module):
    """Four stages of depthwise and pointwise layers.

    Args:
        bins: bins of the feature.
        depths: blocks of each stage.
        dims: channels of each stage.
        stem_kernel: bins and frames of a patch.
        stem_stride: bins and frames from one patch to the next.
        stem_padding: frames of zeros around the clip.
        bin_norm: whether each bin is normalised first.
        kernel: extent of the depthwise convolutions in bins and in frames.
        taps: weights of such a convolution at learnable places; 0 makes it dense.
        construction: how such a weight is spread.
        layer_scale: what each block's result is scaled by at the beginning of training.
        drop_path: probability that a row skips the last block while training; earlier ones less, the first none.
    """

    small: ClassVar[dict[str, object]] = {"depths": (1, 1, 2, 1), "dims": (6, 8, 10, 12), "layer_scale": 1.0}
    streamable = False

    def __init__(
        self,
        bins: int,
        *,
        depths: tuple[int, int, int, int] = (3, 3, 9, 3),
        dims: tuple[int, int, int, int] = (96, 192, 384, 768),
        stem_kernel: tuple[int, int] = (4, 4),
        stem_stride: tuple[int, int] = (4, 4),
        stem_padding: int = 4,
        bin_norm: bool = True,
        kernel: int = 7,
        taps: int = 0,
        construction: Literal["bilinear", "triangle", "max", "gauss"] = "gauss",
        layer_scale: float = 1e-6,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        if bins < stem_kernel[0]:
            raise RequestError(f"the feature has {bins} bins; model.stem_kernel spans {stem_kernel[0]}")
        self.bins = bins
        self.dim = dims[-1]
        self.stem_shape = (stem_kernel[1], stem_stride[1], stem_padding)
        self.stride = 8 * stem_stride[1]
        self.bn0 = nn.BatchNorm1d(bins) if bin_norm else nn.Identity()
        stem = nn.Conv2d(1, dims[0], stem_kernel, stem_stride, padding=(0, stem_padding))
        self.downsample_layers = nn.ModuleList([nn.Sequential(stem, _Norm(dims[0]))])
        height = (bins - stem_kernel[0]) // stem_stride[0] + 1
        for i in range(3):
            size = (min(2, height), 2)
            self.downsample_layers.append(nn.Sequential(_Norm(dims[i]), nn.Conv2d(dims[i], dims[i + 1], size, size)))
            height //= size[0]
        rates = (drop_path * i / max(1, sum(depths) - 1) for i in range(sum(depths)))
        self.stages = nn.ModuleList(
            nn.ModuleList(_Block(dim, kernel=kernel, taps=taps, layer_scale=layer_scale, drop_path=next(rates)) for _ in range(depth))
            for dim, depth in zip(dims, depths, strict=True)
        )
        size = (kernel, kernel)
        self.spacings = nn.ModuleList(Spacings(dim, 1, taps=taps, size=size, construction=construction) for dim in dims if taps)
        patch = 0  # the last that step 0 hears: half a kernel more in each block, both of a pair in each halving
        for i, depth in reversed(list(enumerate(depths))):
            patch = patch + depth * (kernel // 2)
            patch = 2 * patch + 1 if i else patch
        self.lookahead = patch * stem_stride[1] - stem_padding + stem_kernel[1] - self.stride
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear | Dcls):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # each has one

    def steps(self, frames: Tensor) -> Tensor:
        """How many steps so many frames make.

        Args:
            frames: [B] frames.

        Returns:
            [B] steps.
        """
        kernel, stride, padding = self.stem_shape
        patches = torch.div(frames + 2 * padding - kernel, stride, rounding_mode="floor") + 1
        return torch.div(patches, 8, rounding_mode="floor")

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden sequence of each row.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, M] hidden, the mean over what bins are left, and [B] valid steps.
        """
        x, length = self.map(feature, length)
        return x.mean(2), length

    def map(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """The last stage's map: the embedding of frames, as the first paper calls it.

        Args:
            feature: [B, F, N] frames.
            length: [B] valid frames.

        Returns:
            [B, D, F', M] map and [B] valid steps; of 224 bins and 1001 frames, F' = 7 and M = 31.
        """
        x = self.bn0(feature)[:, None]
        kernel, stride, padding = self.stem_shape
        for i, (downsample, stage) in enumerate(zip(self.downsample_layers, self.stages, strict=True)):
            if i == 0:
                x = masked(x, length)
                length = torch.div(length + 2 * padding - kernel, stride, rounding_mode="floor") + 1
            else:
                length = torch.div(length, 2, rounding_mode="floor")
            x = downsample(x)
            spacings = self.spacings[i] if self.spacings else None
            for block in stage.children():
                x = block(x, length, spacings)
        return x, length

    def fold(self) -> None:
        """Put plain kernels in place of learnable spacings, once for all: the same answers, and nothing to construct at each call."""
        for stage, spacings in zip(self.stages, self.spacings, strict=False):
            for block in stage.children():
                assert isinstance(spacings, Spacings)
                block.dwconv = block.dwconv.folded(spacings)  # type: ignore[union-attr, operator]  # it is a Dcls where there are spacings
        self.spacings = nn.ModuleList()

    def lean(self) -> nn.Module:
        """The same network for inference alone, quicker: see `_conv_next_lean`."""
        from auricle.models._conv_next_lean import Lean

        twin = copy.deepcopy(self).eval()
        twin.fold()
        return Lean(twin)


class _Norm(nn.LayerNorm):
    """Layer normalisation over the channels of a map."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class _Block(nn.Module):
    """Depthwise convolution, normalisation, two pointwise layers, scaled, beside the identity."""

    def __init__(self, dim: int, *, kernel: int, taps: int, layer_scale: float, drop_path: float) -> None:
        super().__init__()
        self.dwconv = Dcls(dim, dim, taps=taps, groups=dim) if taps else nn.Conv2d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), layer_scale))
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, length: Tensor, spacings: Spacings | None) -> Tensor:
        inside = masked(x, length)
        y = self.dwconv(inside) if spacings is None else self.dwconv(inside, spacings)
        y = self.pwconv2(nn.functional.gelu(self.pwconv1(self.norm(y.movedim(1, -1)))))
        out: Tensor = x + self.drop_path((self.gamma * y).movedim(-1, 1))
        return out


def convert(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published network's tensors under auricle's names, of model and head.

    Args:
        state: what the published file holds (a `.pth` under "model"), names to tensors.

    Returns:
        Names that begin with `model.` and `head.`; kernels turned, for the published network holds time before frequency; the frozen
        transform and mel filters are left out.

    Raises:
        BundleError: there is nothing of such a network in it.
    """
    if "head_audioset.weight" not in state:
        raise BundleError("the state has no head_audioset.weight, which every ConvNeXt for AudioSet has")
    converted: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.startswith(_FROZEN):
            continue
        head = next((new + name.removeprefix(old) for old, new in _HEAD.items() if name.startswith(old)), None)
        converted[head or f"model.{name}"] = value.transpose(2, 3).contiguous() if value.ndim == 4 else value
    return converted
