"""MobileNetV2 of PANNs: inverted residual blocks over the log-mel spectrogram.

Sandler et al. 2018 (table 2) as Kong et al. 2020 (PANNs) have it for sound: strides are means over windows behind a convolution of stride
1, and the sixth stage keeps its size. With 64 bins, the head `max_mean_pool` of 1024 hidden units and 527 classes it is the published
network, whose weights `_panns.convert` renames. Its convolutions look ahead, so it does not stream. Where fewer than 32 bins come in, the
last means leave the bins alone.
"""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from auricle.models._panns import Features, Tagger, halvings, scaled

# Widening, channels, blocks, and whether the first block halves bins and time.
_STAGES = (
    (1, 16, 1, False),
    (6, 24, 2, True),
    (6, 32, 3, True),
    (6, 64, 4, True),
    (6, 96, 3, True),
    (6, 160, 3, False),
    (6, 320, 1, False),
)
_FIRST, _LAST = 32, 1280


class MobileNetV2(Tagger):
    """A convolution, seventeen inverted residual blocks, a pointwise convolution.

    Args:
        bins: bins of the feature; 64 as published.
        width: channels in units of the published.
        dropout: probability of dropping a value of the hidden sequence while training.
    """

    small: ClassVar[dict[str, object]] = {"width": 0.125}

    def __init__(self, bins: int, *, width: float = 1.0, dropout: float = 0.0) -> None:
        first, last = scaled((_FIRST, _LAST), width)
        pools = halvings(bins, 1 + sum(halved for *_, halved in _STAGES))
        features = Features(_pointed(1, first, kernel=3, pool=nn.AvgPool2d((pools.pop(0), 2))))
        inputs = first
        for widening, count, blocks, halved in _STAGES:
            (outputs,) = scaled((count,), width)
            for block in range(blocks):
                pool = nn.AvgPool2d((pools.pop(0), 2)) if halved and block == 0 else nn.Identity()
                features.append(_inverted(inputs, outputs, widening=widening, pool=pool))
                inputs = outputs
        features.append(_pointed(inputs, last))
        super().__init__(bins, blocks={"features": features}, dim=last, dropout=dropout)


def _pointed(inputs: int, outputs: int, *, kernel: int = 1, pool: nn.Module | None = None) -> Features:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)]
    return Features(*layers, *([pool] if pool else []), nn.BatchNorm2d(outputs), nn.ReLU6())


def _inverted(inputs: int, outputs: int, *, widening: int, pool: nn.Module) -> Features:
    """Widen, filter each channel, narrow; the published names count a level of their own, `conv`."""
    wide = widening * inputs
    layers: list[nn.Module] = []
    if widening != 1:
        layers += [nn.Conv2d(inputs, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()]
    layers += [nn.Conv2d(wide, wide, 3, padding=1, groups=wide, bias=False), pool, nn.BatchNorm2d(wide), nn.ReLU6()]
    layers += [nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
    block = Features()
    block.add_module("conv", Features(*layers))
    block.residual = isinstance(pool, nn.Identity) and inputs == outputs
    return block
