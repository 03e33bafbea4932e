"""CNN14 with depthwise second convolutions: a third of the weights and of the work.

The separable CNN14 of the ConvNeXt-for-audio code (Pellegrini et al. 2023, Adapting a ConvNeXt model to audio classification on AudioSet):
in each block of CNN14 the second convolution mixes no channels. `pointwise = true` is its second form: two linear layers with a GELU
between them, 2 × as wide, behind each block's convolutions. With 64 bins, the head `max_mean_pool` of 2048 hidden units and 527 classes
they are the original networks, whose weights `_panns.convert` renames. The convolutions look ahead, so it does not stream.
"""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from auricle.models._panns import Block, Tagger, halvings, scaled

_CHANNELS = (64, 128, 256, 512, 1024, 2048)


class Cnn14Separable(Tagger):
    """Six blocks of a full and a depthwise convolution.

    Args:
        bins: bins of the feature; 64 as published.
        pointwise: whether two linear layers follow each block's convolutions.
        width: channels in units of the published.
        dropout: probability of dropping a value behind each block while training.
    """

    small: ClassVar[dict[str, object]] = {"width": 0.0625}

    def __init__(self, bins: int, *, pointwise: bool = False, width: float = 1.0, dropout: float = 0.2) -> None:
        channels = scaled(_CHANNELS, width)
        sizes = [*((height, 2) for height in halvings(bins, 5)), (1, 1)]
        blocks: dict[str, nn.Module] = {}
        inputs = 1
        for i, outputs in enumerate(channels):
            blocks[f"conv_block{i + 1}"] = Block(inputs, outputs, pool=sizes[i], depthwise=True, widen=2 if pointwise else 0)
            inputs = outputs
        super().__init__(bins, blocks=blocks, dim=channels[-1], dropout=dropout)
