"""ConvNeXt against the published one: parameters, names and shapes, answers; what it hears; learnable spacings.

`reference/conv_next.json` holds what the authors' own code says of the tiny network: the shape of each tensor of its state (the frozen
transform and mel filters aside), and the logits of the first classes for weights and input by the formulas below.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from auricle import catalog
from auricle.contracts.models import models
from auricle.errors import BundleError
from auricle.heads.max_mean_pool import MaxMeanPool
from auricle.models.conv_next import ConvNext, convert
from auricle.types import Spec

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "conv_next.json").read_text(encoding="utf-8"))
DCLS_AUDIO = {"stem_kernel": (2, 16), "stem_stride": (2, 16), "stem_padding": 0, "bin_norm": False}
STEMS = {(18, 4, 9): (56, 56), (9, 2, 4): (112, 112), (4, 4, 4): (252, 56)}


def made(bins: int = 224, **settings) -> nn.ModuleDict:
    model = ConvNext(bins, **settings)
    return nn.ModuleDict({"model": model, "head": MaxMeanPool(model.dim, 527, norm=True)})


def formula(name: str, shape: list[int]) -> torch.Tensor:
    """Weights that anyone can make again: neither small, nor alike, nor such that answers saturate."""
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    count = torch.Size(shape).numel()
    wave = torch.cos(torch.arange(count, dtype=torch.float64) ** 1.5 + len(name)).float().reshape(shape)
    if len(shape) > 1:
        return wave * (2 / (count / shape[0])) ** 0.5
    if name.endswith(("running_var", "weight")):
        return 1 + 0.3 * wave
    return 0.3 * wave


def feature(frames: int = 40) -> torch.Tensor:
    """[1, 224, N], by a formula too."""
    return torch.cos(torch.arange(224 * frames, dtype=torch.float64) ** 1.3).float().reshape(1, frames, 224).transpose(1, 2)


def parameters(bins: int = 224, **settings) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in made(bins, **settings).parameters())


def test_parameters_are_the_published_ones():
    assert parameters() == 28_222_767
    # Counted with the stem of three channels that the published small keeps unless it is pretrained.
    assert parameters(depths=(3, 3, 27, 3)) == 49_860_399 - 2 * 96 * 4 * 4
    # ConvNeXt-B for pictures and 1000 classes has 88,591,464 (Liu et al. 2022, table 1: 89 M; counted in the transformers library).
    pictures = 128 * 3 * 16 - 128 * 16  # a stem of three channels
    here = 2 * 224 + (1024 + 1) * 527 - (1024 + 1) * 1000
    assert parameters(depths=(3, 3, 27, 3), dims=(128, 256, 512, 1024)) == 88_591_464 - pictures + here
    assert parameters(128, **DCLS_AUDIO) == 28_223_855
    assert parameters(128, **DCLS_AUDIO, taps=26, kernel=23) == 28_221_263


@pytest.mark.parametrize("flavour", ["tiny", "small", "base", "dcls"])
def test_flavours_are_the_published_sizes(flavour):
    sizes = {"tiny": {}, "small": {"depths": (3, 3, 27, 3)}, "base": {"depths": (3, 3, 27, 3), "dims": (128, 256, 512, 1024)}}
    with torch.device("meta"):
        found = catalog.make("models", Spec("conv_next", {"flavour": flavour}), 128)
        wanted = ConvNext(128, **sizes.get(flavour, {**DCLS_AUDIO, "taps": 26, "kernel": 23}))
    shapes = {name: value.shape for name, value in wanted.state_dict().items()}
    assert {name: value.shape for name, value in found.state_dict().items()} == shapes


def test_layout_is_the_published_one():
    with torch.device("meta"):
        network = made()
        state = {name: torch.empty(shape) for name, shape in REFERENCE["layout"].items()}
        frozen = {"spectrogram_extractor.stft.conv_real.weight": torch.empty(513, 1, 1024), "logmel_extractor.melW": torch.empty(513, 224)}
    assert len(state) == 187
    network.load_state_dict(convert(state | frozen), assign=True)  # strict: no name is missing, none left, every shape right
    with pytest.raises(BundleError, match=r"no head_audioset\.weight"):
        convert({"head.weight": torch.zeros(1)})


@torch.no_grad()
def test_answers_are_those_of_the_published_code():
    with torch.device("meta"):
        network = made()
    network.load_state_dict(convert({name: formula(name, shape) for name, shape in REFERENCE["layout"].items()}), assign=True)
    hidden, steps = network["model"].eval()(feature(), torch.tensor([40]))
    found, wanted = network["head"](hidden, steps)[0, :12], torch.tensor(REFERENCE["logits"])
    assert wanted.std() > 0.1
    assert torch.allclose(found, wanted, atol=1e-4)


@pytest.mark.parametrize("stem", STEMS)
@torch.no_grad()
def test_maps_are_as_large_as_published(stem):
    frames, bins, padding = stem
    settings = {"stem_kernel": (bins, frames), "stem_stride": (bins, frames), "stem_padding": padding}
    model = ConvNext(224, **ConvNext.small, **settings).eval()
    assert model.downsample_layers[0](torch.zeros(1, 1, 224, 1001)).shape[2:] == STEMS[stem][::-1]
    hidden, steps = model(torch.zeros(1, 224, 1001), torch.tensor([1001]))
    assert hidden.shape[-1] == int(steps) == int(model.steps(torch.tensor([1001])))


def test_learnable_spacings_keep_every_promise():
    make = partial(ConvNext, depths=(1, 1, 1, 1), taps=3, kernel=5)
    failed = [f"{v.name}: {v.sentence}" for v in models(make) if not v.passed]
    assert not failed, "\n".join(failed)


def test_a_file_holds_plain_kernels_in_place_of_learnable_spacings(exported, tmp_path):
    parity = exported({"name": "conv_next", "depths": [1, 1, 1, 1], "dims": [6, 8, 10, 12], "layer_scale": 1.0, "taps": 4, "kernel": 5})
    assert parity.clips < 1e-5
    graph = onnx.load(tmp_path / "model.onnx").graph
    kernels = [list(node.dims) for node in graph.initializer if list(node.dims[2:]) == [5, 5]]
    assert sorted(kernels) == [[channels, 1, 5, 5] for channels in (6, 8, 10, 12)]
    assert "Exp" not in {node.op_type for node in graph.node}  # which the Gaussian of a spread would be


@torch.no_grad()
def test_embeddings_of_frames_and_scenes_are_as_large_as_published():
    with torch.device("meta"):
        network = made(drop_path=0.0).eval()
        frames, steps = network["model"].map(torch.empty(1, 224, 1001), torch.empty(1, dtype=torch.int64))
        scene = network["head"].embedding(frames.mean(2), steps)
    assert frames.shape == (1, 768, 7, 31)
    assert scene.shape == (1, 768)


@torch.no_grad()
def test_embedding_of_a_scene_is_what_the_classifier_hears():
    network = nn.ModuleDict({"model": ConvNext(16, **ConvNext.small).eval(), "head": MaxMeanPool(12, 5, norm=True)})
    x, length = torch.randn(2, 16, 200, generator=torch.Generator().manual_seed(0)), torch.tensor([200, 150])
    frames, steps = network["model"].map(x, length)
    scene = network["head"].embedding(frames.mean(2), steps)
    assert torch.allclose(scene.mean(1), torch.zeros(2), atol=1e-5)  # the published embedding comes behind the normalisation
    for row in range(2):
        valid = frames[row, :, :, : int(steps[row])].mean(1)
        pooled = nn.functional.layer_norm(valid.mean(1) + valid.amax(1), (12,), eps=1e-6)
        assert torch.allclose(scene[row], pooled, atol=1e-5)
    assert torch.equal(network["head"].linear(scene), network["head"](*network["model"](x, length)))


@torch.no_grad()
def test_hears_as_far_as_it_says():
    model = ConvNext(4, depths=(1, 1, 2, 1), dims=(5, 6, 7, 8), layer_scale=1.0).double().eval()
    x, length, middle = torch.rand(1, 4, 3000, generator=torch.Generator().manual_seed(0)).double(), torch.tensor([3000]), 40
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight)  # as large as activations, so that far frames are not lost in rounding
    whole, _ = model(x, length)
    last = (middle + 1) * model.stride - 1 + model.lookahead
    for frame, heard in ((last, True), (last + 1, False)):
        other = x.clone()
        other[..., frame] += 100 * torch.tensor([[1.0, -2.0, 3.0, -4.0]]).double()
        assert bool((model(other, length)[0] != whole)[..., middle].any()) == heard
