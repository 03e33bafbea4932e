"""CNN14 of PANNs: fourteen layers over the log-mel spectrogram, the reference tagger of AudioSet.

Kong et al. 2020 (PANNs, table I and section III-A): six blocks of two 3 × 3 convolutions, mean over windows of 2 × 2 behind all but the
last. With 64 bins, the head `max_mean_pool` of 2048 hidden units and 527 classes it is the published network, whose weights
`_panns.convert` renames; with the head `decision_pool` one of those that decide for each step of 32 frames. Its convolutions look ahead, so
it does not stream. Where fewer than 32 bins come in, the last pools leave the bins alone.
"""

from __future__ import annotations

from typing import ClassVar

from auricle.models._panns import Tagger, scaled, stack

_CHANNELS = (64, 128, 256, 512, 1024, 2048)


class Cnn14(Tagger):
    """Six blocks of two convolutions.

    Args:
        bins: bins of the feature; 64 as published.
        width: channels in units of the published.
        dropout: probability of dropping a value behind each block while training.
    """

    small: ClassVar[dict[str, object]] = {"width": 0.0625}

    def __init__(self, bins: int, *, width: float = 1.0, dropout: float = 0.2) -> None:
        channels = scaled(_CHANNELS, width)
        super().__init__(bins, blocks=stack(bins, channels=channels, pools=5), dim=channels[-1], dropout=dropout)
