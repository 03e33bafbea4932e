"""The networks of PANNs against the published ones: parameters, names and shapes of every tensor, answers, what they hear.

`reference/panns.json` holds what the authors' own code says: for each network the shape of each tensor of its state (the frozen transform
and mel filters aside), and for the small ones the probabilities of the first classes for weights and input by the formulas below.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from auricle import catalog
from auricle.errors import BundleError
from auricle.heads.max_mean_pool import MaxMeanPool
from auricle.models._panns import convert

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "panns.json").read_text(encoding="utf-8"))
# 527 classes, everything but the frozen transform and mel filters.
PUBLISHED = {
    "cnn6": 4_837_455,
    "cnn10": 5_219_279,
    "cnn14": 80_753_615,
    "cnn14_separable": 30_470_543,
    "cnn14_separable pointwise": 52_846_799,
    "mobile_net_v1": 4_796_303,
    "mobile_net_v2": 4_075_343,
    "res_net38": 73_783_247,
}


def made(which: str, bins: int = 64) -> nn.ModuleDict:
    """The whole network, model and head, with as many units as the published one."""
    name, _, pointwise = which.partition(" ")
    hidden, dim = REFERENCE["layouts"][which]["fc1.weight"]
    model = catalog.load("models", name)(bins, **({"pointwise": True} if pointwise else {}))
    assert model.dim == dim
    return nn.ModuleDict({"model": model, "head": MaxMeanPool(dim, 527, hidden=hidden)})


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
    """[1, 64, N], by a formula too."""
    return torch.cos(torch.arange(64 * frames, dtype=torch.float64) ** 1.3).float().reshape(1, frames, 64).transpose(1, 2)


@pytest.mark.parametrize("which", PUBLISHED)
def test_parameters_and_layout_are_the_published_ones(which):
    with torch.device("meta"):
        network = made(which)
        state = {name: torch.empty(shape) for name, shape in REFERENCE["layouts"][which].items()}
        frozen = {"spectrogram_extractor.stft.conv_real.weight": torch.empty(513, 1, 1024), "logmel_extractor.melW": torch.empty(513, 64)}
    assert sum(p.numel() for p in network.parameters()) == PUBLISHED[which]
    network.load_state_dict(convert(state | frozen), assign=True)  # strict: no name is missing, none left, every shape right


@pytest.mark.parametrize("which", REFERENCE["answers"])
@torch.no_grad()
def test_answers_are_those_of_the_published_code(which):
    network = made(which)
    network.load_state_dict(convert({name: formula(name, shape) for name, shape in REFERENCE["layouts"][which].items()}))
    network.eval()
    hidden, steps = network["model"](feature(), torch.tensor([70]))
    found = torch.sigmoid(network["head"](hidden, steps))[0, :12]
    wanted = torch.tensor(REFERENCE["answers"][which])
    assert wanted.std() > 0.05
    assert torch.allclose(found, wanted, atol=2e-5)


@pytest.mark.parametrize(("which", "gain"), [("cnn6", 1), ("mobile_net_v2", 1), ("res_net38", 3)])
@torch.no_grad()
def test_hears_as_far_as_it_says(which, gain):
    model = catalog.load("models", which)(4, width=0.0625).double().eval()
    for name, weight in model.named_parameters():
        if weight.ndim == 4:
            weight.fill_(gain / weight[0].numel())  # nothing cancels, fades or is cut off, so every path is heard
        elif name.endswith("weight"):
            weight.fill_(1)
    frames, middle = 30 * model.stride, 14
    x, length = torch.rand(1, 4, frames, generator=torch.Generator().manual_seed(0)).double(), torch.tensor([frames])
    whole, _ = model(x, length)
    last = (middle + 1) * model.stride - 1 + model.lookahead
    for frame, heard in ((last, True), (last + 1, False)):
        other = x.clone()
        other[..., frame] += 1e12
        assert bool((model(other, length)[0] != whole)[..., middle].any()) == heard


def test_anything_else_is_refused_in_a_sentence():
    with pytest.raises(BundleError, match=r"no bn0\.weight"):
        convert({"conv.weight": torch.zeros(1)})
