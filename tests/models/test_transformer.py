"""The encoder: its layers against torch's own, its positions, its file."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from auricle.contracts.models import models
from auricle.errors import ShapeError
from auricle.models.transformer import Transformer, sinusoids


@torch.no_grad()
def test_a_layer_is_torchs_own():
    model = Transformer(6, dim=8, heads=2, layers=1, feedforward=16, stride=1).eval()
    own = torch.nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True, norm_first=True).eval()
    (layer,) = model.layers
    pairs = (
        (own.self_attn.in_proj_weight, layer.project.weight),
        (own.self_attn.in_proj_bias, layer.project.bias),
        (own.self_attn.out_proj.weight, layer.mix.weight),
        (own.self_attn.out_proj.bias, layer.mix.bias),
        (own.linear1.weight, layer.onward[0].weight),
        (own.linear1.bias, layer.onward[0].bias),
        (own.linear2.weight, layer.onward[3].weight),
        (own.linear2.bias, layer.onward[3].bias),
    )
    for theirs, ours in pairs:
        theirs.copy_(ours)
    x, length = torch.randn(2, 9, 8, generator=torch.Generator().manual_seed(0)), torch.tensor([9, 5])
    padding = torch.arange(9)[None] >= length[:, None]
    wanted = own(x, src_key_padding_mask=padding)
    found = layer(x, ~padding[:, None, None])
    assert torch.allclose(found[0], wanted[0], atol=1e-6)
    assert torch.allclose(found[1, :5], wanted[1, :5], atol=1e-6)


def test_neighbouring_places_are_rotations_of_each_other():
    place = sinusoids(torch.arange(50), dim=8)
    sine, cosine = place.split(4, dim=-1)
    rate = 10_000.0 ** -(torch.arange(4) / 4)
    assert torch.allclose(sine[1:], sine[:-1] * rate.cos() + cosine[:-1] * rate.sin(), atol=1e-5)


def test_learned_positions_keep_every_promise_and_end():
    make = partial(Transformer, dim=16, layers=1, feedforward=16, positions="learned")
    failed = [f"{v.name}: {v.sentence}" for v in models(make) if not v.passed]
    assert not failed, "\n".join(failed)
    with pytest.raises(ShapeError, match="max_steps is 4"):
        make(20, max_steps=4)(torch.zeros(1, 20, 20), torch.tensor([20]))


def test_one_file_answers_as_torch(exported):
    assert exported({"name": "transformer", "dim": 16, "layers": 2, "feedforward": 32}).largest < 1e-5
