"""SoundNet-5: the published layers, counted by hand and read slowly; four answers in twenty seconds."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from auricle.contracts.models import models
from auricle.errors import ShapeError
from auricle.models.sound_net5 import SoundNet5

# Inputs, channels, kernel, stride, padding, pool.
LAYERS = [(1, 32, 64, 2, 32, 8), (32, 64, 32, 2, 16, 8), (64, 128, 16, 2, 8, 8), (128, 256, 8, 2, 4, 1), (256, 1401, 16, 12, 4, 1)]


def test_size_and_lengths_are_the_published_ones():
    with torch.device("meta"):
        model = SoundNet5(1, until="conv5")
    weights = sum(inputs * channels * kernel + channels for inputs, channels, kernel, *_ in LAYERS)
    assert sum(p.numel() for p in model.parameters()) == weights + sum(2 * channels for _, channels, *_ in LAYERS[:4]) == 6_202_137
    assert model.dim == 1401
    assert model.steps(torch.tensor([model.min_frames - 1, model.min_frames, 441_000])).tolist() == [0, 1, 4]
    with pytest.raises(ShapeError, match=f"conv5 of SoundNet-5 needs {model.min_frames:,}"):
        model(torch.zeros(1, 1, 10, device="meta"), torch.tensor([10], device="meta"))


@pytest.mark.parametrize("until", ["conv1", "pool1", "conv2", "pool2", "conv3", "pool3", "conv4", "conv5"])
@torch.no_grad()
def test_every_layer_has_a_name(until):
    torch.manual_seed(0)
    model = SoundNet5(1, until=until).eval()
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.1 if "1." in name else torch.randn_like(value) / value[0].numel() ** 0.5)
    wave = torch.randn(1, 1, model.min_frames + 500)
    x = wave
    for i, (_, _, _, stride, padding, pool) in enumerate(LAYERS[: int(until[-1])]):
        parts = [model.get_submodule(name) for name in (["conv5", "conv5_2"] if i == 4 else [f"conv{i + 1}"])]
        kernel, bias = torch.cat([p[0].weight for p in parts]), torch.cat([p[0].bias for p in parts])
        windows = torch.nn.functional.pad(x, (padding, padding)).unfold(-1, kernel.shape[-1], stride)  # [1, C, M, k]
        x = torch.einsum("bcmk,dck->bdm", windows, kernel) + bias[:, None]
        if i < 4:
            norm = parts[0][1]
            x = (x - norm.running_mean[:, None]) / (norm.running_var[:, None] + 1e-5).sqrt() * norm.weight[:, None] + norm.bias[:, None]
            x = x.clamp(min=0)
        if pool > 1 and until != f"conv{i + 1}":
            x = x.unfold(-1, pool, pool).amax(-1)
    found, steps = model(wave, torch.tensor([wave.shape[-1]]))
    assert int(steps) == found.shape[-1]
    assert x.std() > 1e-3
    assert torch.allclose(found, x, atol=1e-3, rtol=1e-4)


def test_its_first_layer_keeps_every_promise():
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(SoundNet5, until="conv1", width=0.125)) if not v.passed]
    assert not failed, "\n".join(failed)


@pytest.mark.slow
def test_a_file_answers_as_torch_does(exported):
    assert exported({"name": "sound_net5", "until": "pool2", "width": 0.125}, frontend={"name": "raw", "full_scale": 256.0}).clips < 1e-5
