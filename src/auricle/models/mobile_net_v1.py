"""MobileNetV1 of PANNs: depthwise and pointwise convolutions over the log-mel spectrogram.

Howard et al. 2017 as Kong et al. 2020 (PANNs) have it for sound: strides are means over windows behind a convolution of stride 1. With 64
bins, the head `max_mean_pool` of 1024 hidden units and 527 classes it is the published network, whose weights `_panns.convert` renames.
Its convolutions look ahead, so it does not stream. Where fewer than 32 bins come in, the last means leave the bins alone.
"""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from auricle.models._panns import Features, Tagger, halvings, scaled

_CHANNELS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_HALVED = (0, 2, 4, 6, 12)  # which of them halve bins and time


class MobileNetV1(Tagger):
    """A convolution and thirteen separable ones.

    Args:
        bins: bins of the feature; 64 as published.
        width: channels in units of the published.
        dropout: probability of dropping a value of the hidden sequence while training.
    """

    small: ClassVar[dict[str, object]] = {"width": 0.125}

    def __init__(self, bins: int, *, width: float = 1.0, dropout: float = 0.0) -> None:
        channels = scaled(_CHANNELS, width)
        pools = dict(zip(_HALVED, halvings(bins, len(_HALVED)), strict=True))
        features = Features()
        inputs = 1
        for i, outputs in enumerate(channels):
            pool = nn.AvgPool2d((pools[i], 2)) if i in pools else nn.Identity()
            if i == 0:
                layers = [nn.Conv2d(1, outputs, 3, padding=1, bias=False), pool, nn.BatchNorm2d(outputs), nn.ReLU()]
            else:
                layers = [nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False), pool, nn.BatchNorm2d(inputs), nn.ReLU()]
                layers += [nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
            features.append(Features(*layers))
            inputs = outputs
        super().__init__(bins, blocks={"features": features}, dim=channels[-1], dropout=dropout)
