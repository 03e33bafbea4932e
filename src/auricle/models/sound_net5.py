"""SoundNet-5: the smaller of the two networks on the raw wave that vision networks taught on two million videos.

Aytar, Vondrick and Torralba 2016 (SoundNet: learning sound representations from unlabeled video, section 3; layers as in the authors'
training program of the small network). As published it wants the front end `raw` with `full_scale = 256` at 22,050 Hz; short clips are
tiled. `until` names the layer whose features are the hidden sequence: "conv1" to "conv4" behind their rectifier, "pool1" to "pool3" behind
their maximum, "conv5" the logits of 1000 objects and 401 scenes, four steps in 20 s. Layers behind it are left out. Its convolutions see
both sides, so it does not stream; steps are counted by `steps(N)`. 6,202,137 parameters as published; linear SVMs on its features reached
66.1 % on ESC-50 (five folds, the list of results of ESC-50), 65.0 % when it was trained on ESC-50 alone.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from auricle.models._sound_net import SoundNet

# Channels, kernel, stride and padding of each convolution, and the pool behind it.
_LAYERS = ((32, 64, 2, 32, 8), (64, 32, 2, 16, 8), (128, 16, 2, 8, 8), (256, 8, 2, 4, 1))
_LAST = (16, 12, 4)  # kernel, stride and padding of conv5


class SoundNet5(SoundNet):
    """Four convolutions with pools, and two classifiers in a fifth.

    Args:
        bins: input channels; 1 as published.
        until: the layer whose features are wanted.
        width: channels in units of the published.
    """

    small: ClassVar[dict[str, object]] = {"until": "conv2", "width": 0.125}

    def __init__(
        self,
        bins: int,
        *,
        until: Literal["conv1", "pool1", "conv2", "pool2", "conv3", "pool3", "conv4", "conv5"] = "conv4",
        width: float = 1.0,
    ) -> None:
        super().__init__(bins, layers=_LAYERS, last=_LAST, until=until, width=width)
