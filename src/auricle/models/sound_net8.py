"""SoundNet-8: a convolutional network on the raw wave that was taught by vision networks on two million videos.

Aytar, Vondrick and Torralba 2016 (SoundNet: learning sound representations from unlabeled video, section 3). As published it wants the
front end `raw` with `full_scale = 256` at 22,050 Hz; short clips are tiled. `until` names the layer whose features are the hidden
sequence: "conv1" to "conv7" behind their rectifier, "pool1", "pool2" and "pool5" behind their maximum, "conv8" the logits of 1000 objects
and 401 scenes. Layers behind it are left out. `convert` and `convert_arrays` rename published weights, of the PyTorch port and of the
`.npy` file. Linear SVMs on its features reached 74.2 % on ESC-50 (five folds, the list of results of ESC-50). Its convolutions see both
sides, so it does not stream; steps are counted by `steps(N)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor

from auricle.errors import BundleError
from auricle.models._arrays import arrays
from auricle.models._sound_net import SoundNet, renamed

# Channels, kernel, stride and padding of each convolution, and the pool behind it.
_LAYERS = (
    (16, 64, 2, 32, 8),
    (32, 32, 2, 16, 8),
    (64, 16, 2, 8, 1),
    (128, 8, 2, 4, 1),
    (256, 4, 2, 2, 4),
    (512, 4, 2, 2, 1),
    (1024, 4, 2, 2, 1),
)
_LAST = (8, 2, 0)  # kernel, stride and padding of conv8
_PORT = {"weights": "0.weight", "biases": "0.bias", "gamma": "1.weight", "beta": "1.bias", "mean": "1.running_mean", "var": "1.running_var"}


class SoundNet8(SoundNet):
    """Seven convolutions with pools, and two classifiers in an eighth.

    Args:
        bins: input channels; 1 as published.
        until: the layer whose features are wanted.
        width: channels in units of the published.
    """

    small: ClassVar[dict[str, object]] = {"until": "conv3", "width": 0.125}

    def __init__(
        self,
        bins: int,
        *,
        until: Literal["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "conv6", "conv7", "conv8"] = "conv7",
        width: float = 1.0,
    ) -> None:
        super().__init__(bins, layers=_LAYERS, last=_LAST, until=until, width=width)


def convert(state: Mapping[str, Tensor], *, until: str = "conv8") -> dict[str, Tensor]:
    """The tensors of the PyTorch port under auricle's names.

    Args:
        state: the port's, names to tensors; kernels are [C', C, k, 1].
        until: as the model was made.

    Returns:
        Names that begin with `model.`; layers behind `until` are left out.

    Raises:
        BundleError: there is nothing of SoundNet-8 in it.
    """
    if "conv1.0.weight" not in state:
        raise BundleError("the state has no conv1.0.weight, which every port of SoundNet-8 has")
    return renamed(state, until=until)


def convert_arrays(path: Path, *, until: str = "conv8") -> dict[str, Tensor]:
    """The arrays of the published `.npy` file under auricle's names; the file is read without running anything in it.

    Args:
        path: the file; kernels are [k, 1, C, C'].
        until: as the model was made.

    Returns:
        Names that begin with `model.`; layers behind `until` are left out.

    Raises:
        BundleError: the file is damaged, hostile or something else.
    """
    state: dict[str, Tensor] = {}
    for layer, parts in arrays(path).items():
        unknown = sorted(parts.keys() - _PORT.keys())
        if unknown:
            raise BundleError(f"{path}: {layer} holds {', '.join(unknown)}; wanted {', '.join(_PORT)}")
        for name, value in parts.items():
            tensor = torch.from_numpy(value.copy())
            state[f"{layer}.{_PORT[name]}"] = tensor.permute(3, 2, 0, 1).contiguous() if tensor.ndim == 4 else tensor.flatten()
        if "mean" in parts:
            state[f"{layer}.1.num_batches_tracked"] = torch.tensor(0)
    return convert(state, until=until)
