"""MobileNetV3 for sound against the published one: parameters, names and shapes, answers; the real weights on real sounds.

`reference/efficient_at.json` holds what the authors' own code says: parameters, the shape of each tensor of mn04's state, and the logits
of the first classes for weights and input by the formulas below.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from auricle.errors import BundleError
from auricle.heads.mlp_pool import MlpPool
from auricle.models.mobile_net import MobileNet, convert, hidden_units

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "efficient_at.json").read_text(encoding="utf-8"))
WIDTHS = {"mn04": 0.4, "mn10": 1.0}
MULTIPLIED = {"mn04": 0.11, "mn10": 0.54}  # billions a clip of 10 s, as published


def made(width: float) -> nn.ModuleDict:
    model = MobileNet(128, width=width)
    return nn.ModuleDict({"model": model, "head": MlpPool(model.dim, 527, hidden=hidden_units(width))})


def formula(name: str, shape: list[int]) -> torch.Tensor:
    """Weights that anyone can make again: neither small, nor alike, nor such that answers saturate."""
    count = torch.Size(shape).numel()
    wave = torch.cos(torch.arange(count, dtype=torch.float64) ** 1.5 + len(name)).float().reshape(shape)
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    if len(shape) > 1:
        return wave * (3 / (count / shape[0])) ** 0.5
    if name.endswith(("running_var", "weight")):
        return 1 + 0.3 * wave
    return 0.1 * wave


def feature(frames: int = 70) -> torch.Tensor:
    """[1, 128, N], by a formula too."""
    return torch.cos(torch.arange(128 * frames, dtype=torch.float64) ** 1.3).float().reshape(1, frames, 128).transpose(1, 2)


@pytest.mark.parametrize("name", WIDTHS)
def test_parameters_are_the_published_ones(name):
    with torch.device("meta"):
        network = made(WIDTHS[name])
    assert sum(p.numel() for p in network.parameters()) == REFERENCE["parameters"][name]


@pytest.mark.parametrize("name", WIDTHS)
def test_work_is_the_published(name):
    with torch.device("meta"):
        network, total = made(WIDTHS[name]).eval(), []

        def count(layer, _given, made_):
            total.append(made_.numel() * layer.weight[0].numel())

        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                layer.register_forward_hook(count)
        hidden, steps = network["model"](torch.empty(1, 128, 1000), torch.tensor([1000]))
        network["head"](hidden, steps)
    assert round(sum(total) / 1e9, 2) == MULTIPLIED[name]


def test_layout_is_the_published_one():
    with torch.device("meta"):
        network = made(0.4)
        state = {name: torch.empty(shape) for name, shape in REFERENCE["layouts"]["mn04"].items()}
    assert len(state) == 312
    network.load_state_dict(convert(state), assign=True)  # strict: no name is missing, none left, every shape right
    with pytest.raises(BundleError, match=r"no classifier\.5\.weight"):
        convert({"classifier.weight": torch.zeros(1)})


@torch.no_grad()
def test_answers_are_those_of_the_published_code():
    with torch.device("meta"):
        network = made(0.4)
    layout = REFERENCE["layouts"]["mn04"]
    network.load_state_dict(convert({name: formula(name, shape) for name, shape in layout.items()}), assign=True)
    hidden, steps = network["model"].eval()(feature(), torch.tensor([70]))
    assert (int(steps), hidden.shape[-1]) == (3, 3)
    found, wanted = network["head"].eval()(hidden, steps)[0, :12], torch.tensor(REFERENCE["answers"]["mn04"])
    assert wanted.std() > 0.1
    assert torch.allclose(found, wanted, atol=1e-5)


@torch.no_grad()
def test_squeezes_hear_the_whole_clip():
    model = MobileNet(16, **MobileNet.small).double().eval()
    x, length = torch.rand(1, 16, 640, generator=torch.Generator().manual_seed(0)).double(), torch.tensor([640])
    other = x.clone()
    other[..., -1] += 100
    assert bool((model(other, length)[0] != model(x, length)[0])[..., 0].any())
    assert not model.streamable
    assert model.lookahead == -1


def test_exports_as_it_answers(exported):
    parity = exported({"name": "mobile_net", "width": 0.1})
    assert parity.largest <= 1e-4
