"""Parameter count, TensorFlow's padding, and folded weights by the obvious computation."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from auricle.errors import BundleError, ShapeError
from auricle.models.yamnet import Yamnet, convert

CHANNELS = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)


def folded(seed=0):
    """Kernels and biases as a file with folded normalisation has them."""
    torch.manual_seed(seed)
    state = {"0.weight": torch.randn(32, 1, 3, 3) / 3, "0.bias": 0.1 * torch.randn(32)}
    for i, (inputs, outputs) in enumerate(pairwise(CHANNELS), start=1):
        state |= {f"{i}.deep.weight": torch.randn(inputs, 1, 3, 3) / 2, f"{i}.deep.bias": 0.1 * torch.randn(inputs)}
        state |= {
            f"{i}.point.weight": torch.randn(outputs, inputs, 1, 1) * (1.5 / inputs) ** 0.5,
            f"{i}.point.bias": 0.1 * torch.randn(outputs),
        }
    return state


def obvious(patch, state):
    """[1, 1, 96, 64] through the layers; TensorFlow's SAME padding of a stride of 2 over even sizes is one zero behind."""
    x = patch
    for name, kernel in state.items():
        if not name.endswith("weight"):
            continue
        strided = name == "0.weight" or ("deep" in name and int(name.split(".")[0]) in (2, 4, 6, 12))
        if kernel.shape[-1] == 3:
            x = F.pad(x, (0, 1, 0, 1) if strided else (1, 1, 1, 1))
        groups = kernel.shape[0] if "deep" in name else 1
        x = F.conv2d(x, kernel, state[name.replace("weight", "bias")], stride=2 if strided else 1, groups=groups).relu()
    return x.mean((2, 3))


def test_parameters_as_published():
    assert sum(p.numel() for p in Yamnet(64).parameters()) == 3_206_400


def test_converted_weights_give_what_the_folded_ones_give():
    state = folded()
    model = Yamnet(64).eval()
    model.load_state_dict({k.removeprefix("model."): v for k, v in convert(state).items()})
    feature = torch.randn(1, 64, 200)
    with torch.no_grad():
        hidden, steps = model(feature, torch.tensor([200]))
        assert steps.tolist() == [3]
        for step in range(3):
            patch = feature[:, :, 48 * step : 48 * step + 96].transpose(1, 2)[:, None]
            torch.testing.assert_close(hidden[..., step], obvious(patch, state), atol=1e-4, rtol=1e-4)


def test_states_of_other_networks_are_refused():
    state = folded()
    with pytest.raises(BundleError, match="has 26 kernels and 27 biases; YAMNet has 27 of each"):
        convert({k: v for k, v in state.items() if k != "3.deep.weight"})
    with pytest.raises(BundleError, match=r"kernel 0 of the state is \[16, 1, 3, 3\]"):
        convert({**state, "0.weight": torch.zeros(16, 1, 3, 3)})
    with pytest.raises(ShapeError, match="has 95 frames; a patch of YAMNet has 96"):
        Yamnet(64)(torch.zeros(1, 64, 95), torch.tensor([95]))
