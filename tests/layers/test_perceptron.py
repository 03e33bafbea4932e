"""The fused perceptron against the plain formula; integers against wide numbers where 8 bits are exact, and their slow form."""

from __future__ import annotations

import torch
from torch import nn

from auricle.layers import perceptron
from auricle.layers.perceptron import IntegerPerceptron, Perceptron


def made(channels: int = 24) -> Perceptron:
    torch.manual_seed(0)
    first, second = torch.randn(4 * channels, channels) / channels**0.5, torch.randn(channels, 4 * channels) / channels
    return Perceptron(first, torch.randn(4 * channels), second=second, second_bias=torch.randn(channels))


@torch.inference_mode()
def test_the_fused_form_is_the_formula():
    layer, x, y = made(), torch.randn(50, 24), 3 * torch.randn(50, 24) + 1
    normal = (y - y.mean(-1, keepdim=True)) / (y.var(-1, keepdim=True, unbiased=False) + 1e-6).sqrt()
    wanted = x + nn.functional.gelu(normal @ layer.first.T + layer.first_bias) @ layer.second.T + layer.second_bias
    for _ in range(2):  # the second call takes the weights as they were laid
        torch.testing.assert_close(layer(x, y), wanted, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_integers_are_within_their_steps(monkeypatch):
    wide, x, y = made(), torch.randn(50, 24), torch.randn(50, 24)
    layer = IntegerPerceptron(wide, reach=4.0, span=(-0.2, 6.0))
    wanted, found = wide(x, y), layer(x, y)
    assert (found - wanted).abs().max() < 0.1
    assert 10 * torch.log10((wanted - x).var() / (found - wanted).square().mean()) > 30
    monkeypatch.setattr(perceptron, "available", lambda: False)
    torch.testing.assert_close(layer(x, y), found, rtol=0.02, atol=0.02)  # a value on the edge may fall to the other side


@torch.inference_mode()
def test_what_is_beyond_the_range_is_cut_to_it():
    layer = IntegerPerceptron(made(), reach=0.5, span=(-0.2, 0.3))
    y = torch.randn(8, 24)
    assert layer(torch.zeros(8, 24), y).isfinite().all()
    narrow = y.sign()  # normalised values of about one either way: all cut to the same half
    assert torch.allclose(layer(torch.zeros(8, 24), narrow)[0], layer(torch.zeros(8, 24), 5 * narrow)[0])
