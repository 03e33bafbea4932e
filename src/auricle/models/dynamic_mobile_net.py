"""MobileNet for sound whose kernels, rectifiers and weighing of bins and frames follow from the clip.

Schmid et al. 2024 (Dynamic convolutional neural networks as efficient pre-trained audio models, section III): MobileNetV3's blocks without
squeezes; instead each makes a context of its input's means over time and over bins (figure 2), from which come the mixture of four kernels
of every convolution (dynamic convolution, equations 5 and 6), the two slopes and offsets of each channel's rectifier (Dy-ReLU, equation 4),
and the weights of each channel's bins and frames (coordinate attention). `width` 0.4, 1.0 and 2.0 are their dymn04, dymn10 and dymn20, with
the front end `log_mel` of flavour `efficient_at` and the head `mlp_pool`; `convert` renames their weights. The context is of the whole
clip, so it does not stream.

Of a depthwise convolution the answers of all four kernels are mixed instead of the kernels, which is the same, can be exported, and costs
dymn04 half as many products again. `temperature` of the mixture is 1, as published networks end; from scratch the authors begin at 30 and
take off 1 an epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from auricle.errors import BundleError, RequestError
from auricle.layers.masked import masked
from auricle.models.mobile_net import BLOCKS, FIRST, Layer, begin, eighths, halved, norm
from auricle.models.mobile_net import convert as plainly

_KERNELS = 4
_CONTEXT, _LEAST, _MOST = 4, 32, 128  # a context is that part of the widened channels, and so many at width 1
_LAST = 6  # times as many channels behind the last block
_CONSTANT = (".lambdas", ".init_v")  # of published rectifiers: the slopes 1 and 0 from which learnt ones depart by up to 1, offsets by 1/2


class DynamicMobileNet(nn.Module):
    """A convolution, fifteen dynamic inverted residual blocks, a pointwise convolution.

    Args:
        bins: bins of the feature; 128 as published.
        width: channels in units of the published dymn10.
        temperature: of the mixture of kernels; a high one mixes evenly.
    """

    small: ClassVar[dict[str, object]] = {"width": 0.1}
    streamable, stride, lookahead = False, 32, -1

    def __init__(self, bins: int, *, width: float = 1.0, temperature: float = 1.0) -> None:
        super().__init__()
        if temperature <= 0:
            raise RequestError(f"model.temperature is {temperature:g}; wanted more than 0")
        self.bins = bins
        first = eighths(FIRST * width)
        self.in_c = Layer(1, first, kernel=3, stride=2, activation=nn.Hardswish())
        sizes = [first, *(eighths(outputs * width) for _, _, outputs, *_ in BLOCKS)]
        least, most = eighths(_LEAST * width), eighths(_MOST * width)
        self.layers = nn.ModuleList()
        for (inputs, outputs), (kernel, wide, _, _, swish, stride) in zip(pairwise(sizes), BLOCKS, strict=True):
            wide = eighths(wide * width)
            context = min(max(eighths(wide // _CONTEXT), least), most)
            activation = nn.Hardswish() if swish else nn.ReLU()
            self.layers.append(_Block(inputs, outputs, wide=wide, context=context, kernel=kernel, stride=stride, activation=activation))
        self.dim = _LAST * sizes[-1]
        self.out_c = Layer(sizes[-1], self.dim, activation=nn.Hardswish())
        begin(self)
        for layer in self.modules():
            if isinstance(layer, _Kernels):
                layer.temperature = temperature

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
        x, length = self.in_c(feature[:, None], length)
        for layer in self.layers:
            x, length = layer(x, length)
        x, length = self.out_c(x, length)
        return x.mean(2), length


class _Block(nn.Module):
    """Widen, filter each channel, bend it, weigh its bins and frames, narrow; beside the identity where the size stays."""

    def __init__(self, inputs: int, outputs: int, *, wide: int, context: int, kernel: int, stride: int, activation: nn.Module) -> None:
        super().__init__()
        self.context_gen = _Context(inputs, wide, context=context, stride=stride)
        if wide != inputs:
            self.exp_conv, self.exp_norm, self.exp_act = _Pointwise(inputs, wide, context), norm(wide), activation
        self.depth_conv, self.depth_norm = _Depthwise(wide, context, kernel=kernel, stride=stride), norm(wide)
        self.depth_act = _Rectifier(wide, context)
        self.proj_conv, self.proj_norm = _Pointwise(wide, outputs, context), norm(outputs)
        self.widens, self.halves = wide != inputs, stride == 2
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        context, bins, frames = self.context_gen(x, length)
        y = self.exp_act(self.exp_norm(self.exp_conv(x, context))) if self.widens else x
        y = self.depth_norm(self.depth_conv(masked(y, length), context))
        y = self.depth_act(y, context) * bins * frames
        y = self.proj_norm(self.proj_conv(y, context))
        return (x + y if self.residual else y), halved(length) if self.halves else length


class _Context(nn.Module):
    """What a clip's map is like: a vector of it all, and the weights of each channel's bins and of its frames."""

    def __init__(self, inputs: int, wide: int, *, context: int, stride: int) -> None:
        super().__init__()
        self.joint_conv, self.joint_norm = nn.Conv2d(inputs, context, 1, bias=False), norm(context)
        self.conv_f, self.conv_t = nn.Conv2d(context, wide, 1), nn.Conv2d(context, wide, 1)
        self.pool = nn.AvgPool1d(3, stride, padding=1) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From [B, C, F, N] and [B] valid frames to [B, H], [B, W, F', 1] and [B, W, 1, N']."""
        total = x.shape[2] + length.clamp(min=1)[:, None]
        over_time = masked(x, length).sum(3) / length.clamp(min=1)[:, None, None].to(x.dtype)
        joint = torch.cat([over_time, x.mean(2)], dim=2)[..., None]
        joint = nn.functional.hardswish(self.joint_norm(self.joint_conv(joint)))[..., 0]
        bins, frames = joint[..., : x.shape[2]], masked(joint[..., x.shape[2] :], length)
        context = (bins.sum(2) + frames.sum(2)) / total.to(x.dtype)
        return context, self.conv_f(self.pool(bins)[..., None]).sigmoid(), self.conv_t(self.pool(frames)[:, :, None]).sigmoid()


class _Kernels(nn.Module):
    """Four kernels, each a row of numbers as published, and the share that each has in a clip."""

    temperature = 1.0

    def __init__(self, shape: tuple[int, ...], context: int) -> None:
        super().__init__()
        self.residuals = nn.Sequential(nn.Linear(context, _KERNELS))
        kernels = torch.empty(_KERNELS, *shape)
        for kernel in kernels:
            nn.init.kaiming_normal_(kernel, mode="fan_out")
        self.weight = nn.Parameter(kernels.flatten(1))

    def shares(self, context: Tensor) -> Tensor:
        """From [B, H] to [B, 4]."""
        shares: Tensor = (self.residuals(context) / self.temperature).softmax(-1)
        return shares


class _Pointwise(_Kernels):
    """A convolution of one place, by each clip's own mixture of kernels."""

    def __init__(self, inputs: int, outputs: int, context: int) -> None:
        super().__init__((outputs, inputs, 1, 1), context)
        self.inputs = inputs

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        mixed = torch.unflatten(self.shares(context) @ self.weight, 1, (-1, self.inputs))  # [B, O, C]
        return torch.unflatten(torch.matmul(mixed, x.flatten(2)), 2, x.shape[2:])


class _Depthwise(_Kernels):
    """A convolution of each channel by itself, by a mixture of what four kernels make."""

    def __init__(self, channels: int, context: int, *, kernel: int, stride: int) -> None:
        super().__init__((channels, 1, kernel, kernel), context)
        self.channels, self.kernel, self.stride = channels, kernel, stride

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        weight = self.weight.view(_KERNELS, self.channels, 1, self.kernel, self.kernel).transpose(0, 1).flatten(0, 1)
        y = nn.functional.conv2d(x, weight, stride=self.stride, padding=self.kernel // 2, groups=self.channels)
        y = torch.unflatten(y, 1, (self.channels, _KERNELS))  # the four of a channel lie side by side
        mixed: Tensor = (y * self.shares(context)[:, None, :, None, None]).sum(2)
        return mixed


class _Rectifier(nn.Module):
    """The larger of two lines, whose slopes and offsets follow from the clip; without a context that is the rectifier."""

    def __init__(self, channels: int, context: int) -> None:
        super().__init__()
        self.coef_net = nn.Sequential(nn.Linear(context, 4 * channels))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        bent = torch.unflatten(2 * self.coef_net(context).sigmoid() - 1, 1, (-1, 4))[:, :, None, None]
        return torch.maximum(x * (1 + bent[..., 0]) + bent[..., 2] / 2, x * bent[..., 1] + bent[..., 3] / 2)


def convert(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published network's tensors under auricle's names, of model and head.

    Args:
        state: what the published file holds, names to tensors.

    Returns:
        Names that begin with `model.` and `head.`.

    Raises:
        BundleError: there is nothing of such a network in it.
    """
    if "layers.0.depth_act.coef_net.0.weight" not in state:
        raise BundleError("the state has no layers.0.depth_act.coef_net.0.weight, which every fully dynamic network of EfficientAT has")
    own = {name: value for name, value in plainly(state).items() if not name.endswith(_CONSTANT)}
    return {name: value[0, 0] if name.endswith("_conv.weight") and value.shape[:2] == (1, 1) else value for name, value in own.items()}
