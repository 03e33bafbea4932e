"""SoundNet-8: published size and lengths, both ports' layouts, and a slow reading of the same layers."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from auricle.contracts.models import models
from auricle.errors import BundleError, ShapeError
from auricle.frontends.raw import Raw
from auricle.heads.mean_pool import MeanPool
from auricle.models.sound_net8 import SoundNet8, convert, convert_arrays
from auricle.pipe import Pipe

CONVOLUTIONS = {
    "conv1": (1, 16, 64),
    "conv2": (16, 32, 32),
    "conv3": (32, 64, 16),
    "conv4": (64, 128, 8),
    "conv5": (128, 256, 4),
    "conv6": (256, 512, 4),
    "conv7": (512, 1024, 4),
    "conv8": (1024, 1000, 8),
    "conv8_2": (1024, 401, 8),
}


def published(until: int = 9) -> dict[str, dict[str, np.ndarray]]:
    """Random arrays in the layout of the published file: kernels [k, 1, C, C']."""
    rng = np.random.default_rng(0)
    layers = {}
    for layer, (inputs, outputs, kernel) in list(CONVOLUTIONS.items())[:until]:
        weights = rng.standard_normal((kernel, 1, inputs, outputs)) / (kernel * inputs) ** 0.5
        layers[layer] = {"weights": weights, "biases": 0.1 * rng.standard_normal(outputs)}
        if "8" not in layer:
            layers[layer] |= {name: 0.1 * rng.standard_normal(outputs) for name in ("mean", "beta")}
            layers[layer] |= {name: rng.uniform(0.5, 1.5, outputs) for name in ("var", "gamma")}
    return {layer: {name: value.astype(np.float32) for name, value in parts.items()} for layer, parts in layers.items()}


def written(tmp_path, value) -> str:
    path = tmp_path / "sound.npy"
    np.save(path, np.array(value, dtype=object), allow_pickle=True)
    return path


def test_size_and_lengths_are_the_published_ones():
    with torch.device("meta"):
        model = SoundNet8(1, until="conv8")
    assert sum(p.numel() for p in model.parameters()) == 14_352_713
    assert model.min_frames == 209_374
    assert model.steps(torch.tensor([209_373, 209_374, 220_500, 441_000])).tolist() == [0, 1, 1, 4]
    assert model.dim == 1401
    with pytest.raises(ShapeError, match="needs 209,374"):
        model(torch.zeros(1, 1, 209_373, device="meta"), torch.tensor([209_373], device="meta"))


def test_a_pipe_knows_how_short_a_clip_may_be():
    for until, least in (("conv8", 209_374), ("pool5", 8192), ("conv1", 2)):
        with torch.device("meta"):
            model = SoundNet8(1, until=until)
        assert Pipe(Raw(22_050, full_scale=256.0), model, MeanPool(1, 1)).min_samples == least
        assert int(model.steps(torch.tensor([least]))) >= 1


@pytest.mark.parametrize("until", ["conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "conv6", "conv7", "conv8"])
@torch.no_grad()
def test_published_file_gives_what_its_arrays_say(tmp_path, until):
    arrays = published(until=9 if until == "conv8" else int(until[-1]))
    model = SoundNet8(1, until=until).eval()
    nn.ModuleDict({"model": model}).load_state_dict(convert_arrays(written(tmp_path, arrays), until=until))
    wave = torch.randn(1, 1, max(model.min_frames, 4000), generator=torch.Generator().manual_seed(0))
    x = wave
    for layer in list(CONVOLUTIONS)[: int(until[-1])]:
        parts = {name: torch.from_numpy(value) for name, value in arrays[layer].items()}
        kernel = parts["weights"].permute(3, 2, 0, 1)  # as two dimensions, of which one is 1
        stride, padding = (2, 0) if layer == "conv8" else (2, kernel.shape[2] // 2)
        last, x = x, nn.functional.conv2d(x[..., None], kernel, parts["biases"], (stride, 1), (padding, 0))[..., 0]
        if "gamma" in parts:
            scale = parts["gamma"] / (parts["var"] + 1e-5).sqrt()
            x = ((x - parts["mean"][:, None]) * scale[:, None] + parts["beta"][:, None]).clamp(min=0)
            if layer in ("conv1", "conv2", "conv5") and layer != until:
                size = 4 if layer == "conv5" else 8
                x = x.unfold(-1, size, size).amax(-1)
    if until == "conv8":
        kernel = torch.from_numpy(arrays["conv8_2"]["weights"]).permute(3, 2, 0, 1)[..., 0]
        x = torch.cat([x, nn.functional.conv1d(last, kernel, torch.from_numpy(arrays["conv8_2"]["biases"]), 2)], dim=1)
    found, steps = model(wave, torch.tensor([wave.shape[-1]]))
    assert int(steps) == found.shape[-1]
    assert torch.allclose(found, x, atol=1e-4)


def test_pytorch_port_loads_strictly():
    with torch.device("meta"):
        model = SoundNet8(1, until="conv8")
        port = {}
        for layer, (inputs, outputs, kernel) in CONVOLUTIONS.items():
            port |= {f"{layer}.0.weight": torch.empty(outputs, inputs, kernel, 1), f"{layer}.0.bias": torch.empty(outputs)}
            if "8" not in layer:
                port |= {f"{layer}.1.{name}": torch.empty(outputs) for name in ("weight", "bias", "running_mean", "running_var")}
                port[f"{layer}.1.num_batches_tracked"] = torch.empty((), dtype=torch.int64)
    nn.ModuleDict({"model": model}).load_state_dict(convert(port), assign=True)
    with pytest.raises(BundleError, match=r"no conv1\.0\.weight"):
        convert({"conv2.0.weight": torch.zeros(1)})


class Hostile:
    def __reduce__(self):
        return (print, ("run",))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Hostile(), "nothing was run"),
        ({"conv1": Hostile()}, "nothing was run"),
        ({"conv1": {"weights": np.array([json], dtype=object)[:0]}}, "dictionary|array"),
        ({"conv1": {"kernel": np.zeros(3, np.float32)}}, "holds kernel"),
        ({"conv1": 5}, "dictionary"),
        ([1.5], "dictionary"),
    ],
)
def test_hostile_and_foreign_files_are_refused_and_not_run(tmp_path, capsys, value, said):
    with pytest.raises(BundleError, match=said):
        convert_arrays(written(tmp_path, value))
    assert capsys.readouterr().out == ""


def test_damaged_files_are_refused(tmp_path):
    path = written(tmp_path, published(until=1))
    whole = path.read_bytes()
    for keep in (0, 5, 100, 300, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:keep])
        with pytest.raises(BundleError, match=r"sound\.npy"):
            convert_arrays(path)
    np.save(path, np.zeros(3))
    with pytest.raises(BundleError, match="wanted a dictionary"):
        convert_arrays(path)


def test_its_first_layer_keeps_every_promise():
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(SoundNet8, until="conv1", width=0.125)) if not v.passed]
    assert not failed, "\n".join(failed)
