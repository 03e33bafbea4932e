"""CNN6 of PANNs: four wide convolutions over the log-mel spectrogram.

Kong et al. 2020 (PANNs, table I): 5 × 5 convolutions, mean over windows of 2 × 2 behind each. With 64 bins, the head `max_mean_pool` of 512
hidden units and 527 classes it is the published network, whose weights `_panns.convert` renames. Its convolutions look ahead, so it does
not stream. Where fewer than 16 bins come in, the last pools leave the bins alone.
"""

from __future__ import annotations

from typing import ClassVar

from auricle.models._panns import Tagger, scaled, stack

_CHANNELS = (64, 128, 256, 512)


class Cnn6(Tagger):
    """Four blocks of one convolution.

    Args:
        bins: bins of the feature; 64 as published.
        width: channels in units of the published.
        dropout: probability of dropping a value behind each block while training.
    """

    small: ClassVar[dict[str, object]] = {"width": 0.0625}

    def __init__(self, bins: int, *, width: float = 1.0, dropout: float = 0.2) -> None:
        channels = scaled(_CHANNELS, width)
        blocks = stack(bins, channels=channels, pools=4, kernel=5, convolutions=1)
        super().__init__(bins, blocks=blocks, dim=channels[-1], dropout=dropout)
