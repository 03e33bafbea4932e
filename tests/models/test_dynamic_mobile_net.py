"""The dynamic MobileNet against the published one: parameters, names and shapes, answers; padding and batches; what its parts are.

`reference/efficient_at_dynamic.json` holds what the authors' own code says: parameters, the shape of each tensor of dymn04's state, and the
logits of the first classes for weights and input by formulas (`weights` below, `feature` of `test_mobile_net`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tests.models.test_mobile_net import feature, formula
from torch import nn

from auricle.errors import BundleError, RequestError
from auricle.heads.mlp_pool import MlpPool
from auricle.models import dynamic_mobile_net
from auricle.models.dynamic_mobile_net import DynamicMobileNet, convert
from auricle.models.mobile_net import hidden_units

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "efficient_at_dynamic.json").read_text(encoding="utf-8"))
LAYOUT = REFERENCE["layouts"]["dymn04"]
WIDTHS = {"dymn04": 0.4, "dymn10": 1.0, "dymn20": 2.0}


def made(width: float) -> nn.ModuleDict:
    model = DynamicMobileNet(128, width=width)
    return nn.ModuleDict({"model": model, "head": MlpPool(model.dim, 527, hidden=hidden_units(width))})


def weights(layout: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """By the formula of the plain network, kernels of dynamic convolutions as large as plain ones would be; constants as published."""
    found = {}
    for name, shape in layout.items():
        if name.endswith(".lambdas"):
            found[name] = torch.tensor([1.0, 1.0, 0.5, 0.5])
        elif name.endswith(".init_v"):
            found[name] = torch.tensor([1.0, 0.0, 0.0, 0.0])
        elif name.endswith("_conv.weight") and shape[:2] == [1, 1]:
            outputs = layout[name.replace("_conv.", "_norm.")][0]
            found[name] = formula(name, [4 * outputs, shape[3] // outputs]).reshape(shape)
        else:
            found[name] = formula(name, shape)
    return found


@pytest.mark.parametrize("name", WIDTHS)
def test_parameters_are_the_published_ones(name):
    with torch.device("meta"):
        network = made(WIDTHS[name])
    assert sum(p.numel() for p in network.parameters()) == REFERENCE["parameters"][name]


def test_layout_is_the_published_one():
    with torch.device("meta"):
        network = made(0.4)
        state = {name: torch.empty(shape) for name, shape in LAYOUT.items()}
    network.load_state_dict(convert(state), assign=True)  # strict: no name is missing, none left, every shape right
    plain = {name: value for name, value in state.items() if "coef_net" not in name}
    with pytest.raises(BundleError, match=r"no layers\.0\.depth_act\.coef_net\.0\.weight"):
        convert(plain)


@torch.no_grad()
@pytest.mark.parametrize("frames", [70, 64])
def test_answers_are_those_of_the_published_code(frames):
    with torch.device("meta"):
        network = made(0.4)
    network.load_state_dict(convert(weights(LAYOUT)), assign=True)
    hidden, steps = network["model"].eval()(feature(frames), torch.tensor([frames]))
    assert int(steps) == hidden.shape[-1] == -(-frames // 32)
    found, wanted = network["head"].eval()(hidden, steps)[0, :12], torch.tensor(REFERENCE["answers"]["dymn04"][str(frames)])
    assert wanted.std() > 0.1
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_clip_in_a_batch_is_the_clip_alone():
    """The context, its pools and the norms of padded frames change nothing."""
    model = DynamicMobileNet(32, width=0.1).double().eval()
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.add_(0.1 * torch.randn(tensor.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(tensor.numel())))
    for name, tensor in model.state_dict().items():
        if name.endswith("running_var"):
            tensor.abs_()
    x, length = torch.rand(2, 32, 101, generator=torch.Generator().manual_seed(0)).double(), torch.tensor([101, 71])
    both, steps = model(x, length)
    alone, own = model(x[1:, :, :71], length[1:])
    assert own.tolist() == steps[1:].tolist() == [3]
    torch.testing.assert_close(both[1:, :, :3], alone, atol=1e-10, rtol=0)
    other = x.clone()
    other[..., -1] += 100
    assert bool((model(other, length)[0] != both)[0, :, 0].any())  # the context hears the whole clip
    assert not model.streamable
    assert model.lookahead == -1


@torch.no_grad()
def test_mixed_answers_are_those_of_the_mixed_kernel():
    """A slow form: each clip's kernel is summed and applied by itself."""
    torch.manual_seed(1)
    context, x = torch.randn(3, 6), torch.randn(3, 8, 9, 11)
    for conv, groups in (
        (dynamic_mobile_net._Depthwise(8, 6, kernel=5, stride=2), 8),
        (dynamic_mobile_net._Pointwise(8, 12, 6), 1),
    ):
        shares = conv.shares(context)
        torch.testing.assert_close(shares.sum(1), torch.ones(3))
        stride, size = (2, 5) if groups == 8 else (1, 1)
        for row, share in enumerate(shares):
            kernel = sum(share[k] * conv.weight[k] for k in range(4)).view(-1, 8 // groups, size, size)
            wanted = nn.functional.conv2d(x[row : row + 1], kernel, stride=stride, padding=size // 2, groups=groups)
            torch.testing.assert_close(conv(x, context)[row : row + 1], wanted, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_a_high_temperature_mixes_evenly():
    torch.manual_seed(2)
    context = 10 * torch.randn(5, 6)
    conv = dynamic_mobile_net._Pointwise(8, 12, 6)
    cold = conv.shares(context)
    conv.temperature = 1e6
    torch.testing.assert_close(conv.shares(context), torch.full((5, 4), 0.25), atol=1e-4, rtol=0)
    assert cold.std() > 0.1
    assert DynamicMobileNet(32, width=0.1, temperature=30.0).layers[3].proj_conv.temperature == 30.0
    with pytest.raises(RequestError, match=r"model\.temperature is 0; wanted more than 0"):
        DynamicMobileNet(32, temperature=0.0)


@pytest.mark.slow
def test_exports_as_it_answers(exported):
    parity = exported({"name": "dynamic_mobile_net", "width": 0.1})
    assert parity.largest <= 1e-4
