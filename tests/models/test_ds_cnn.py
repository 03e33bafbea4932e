"""DS-CNN: the published sizes and maps, what it looks ahead, a slow reading of its layers, streams in a file."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from auricle import catalog
from auricle.contracts.models import models
from auricle.errors import RequestError
from auricle.heads.mean_pool import MeanPool
from auricle.models.ds_cnn import DsCnn
from auricle.types import Spec

# Memory in kB of 8-bit weights and activations, table 4 of the paper, which holds to the digit for these layers.
PUBLISHED = [("small", 38.6, 22_604), ("medium", 189.2, 135_032), ("large", 497.6, 410_700)]


@pytest.mark.parametrize(("flavour", "kilobytes", "numbers"), PUBLISHED)
def test_numbers_and_memory_are_the_published_ones(flavour, kilobytes, numbers):
    with torch.device("meta"):
        model = catalog.make("models", Spec("ds_cnn", {"flavour": flavour}), 10)
        head = MeanPool(model.dim, 12)
        maps = [model.stem.convolution.conv, *(block.depthwise.convolution.conv for block in model.blocks)]
        shapes: list[int] = []
        for layer in maps:  # 49 frames make ceil(49 / stride), as the published padding has it
            layer.register_forward_hook(lambda _, __, y: shapes.append(y[0].numel()))
        model(torch.empty(1, 10, 52), torch.tensor([50]))
    kernels = [p for p in model.parameters() if p.ndim == 4]
    deployed = sum(k.numel() + k.shape[0] for k in kernels) + sum(p.numel() for p in head.parameters())  # one offset a channel
    assert deployed == numbers
    # The two largest maps in a row lie in memory together.
    activations = max(a + b for a, b in zip(with_ceil(model, shapes), with_ceil(model, shapes)[1:], strict=False))
    assert round((deployed + activations) / 1000, 1) == kilobytes


def with_ceil(model: DsCnn, shapes: list[int]) -> list[int]:
    """Numbers of the stem's map and of the blocks', of 49 frames: 25 steps, or 13 behind a second halving."""
    heights = [model.stem.height, *(block.depthwise.height for block in model.blocks)]
    assert all(count % (model.dim * height) == 0 for count, height in zip(shapes, heights, strict=True))
    frames, sizes = 49, []
    for layer, height in zip([model.stem.convolution, *(b.depthwise.convolution for b in model.blocks)], heights, strict=True):
        frames = -(-frames // layer.stride)
        sizes.append(model.dim * height * frames)
    return sizes


@torch.no_grad()
def test_the_form_that_looks_ahead_is_the_slow_one():
    torch.manual_seed(0)
    model = DsCnn(10, channels=5, blocks=2, second_stride=(2, 2), causal=False).eval()
    x = torch.randn(1, 10, 48)
    found, steps = model(x, torch.tensor([48]))
    y = x[:, None]
    layers = [model.stem, *(block.depthwise for block in model.blocks)]
    for i, layer in enumerate(layers):
        conv = layer.convolution.conv
        wanted = [-(-size // step) for size, step in zip(y.shape[2:], conv.stride, strict=True)]
        totals = [max((w - 1) * s + k - n, 0) for w, s, k, n in zip(wanted, conv.stride, conv.kernel_size, y.shape[2:], strict=True)]
        before = (conv.kernel_size[1] - 1) // 2
        pads = [before, totals[1] - before, totals[0] // 2, totals[0] - totals[0] // 2]
        norm = model.stem_norm if i == 0 else model.blocks[i - 1].depthwise_norm
        y = torch.relu(norm(nn.functional.conv2d(nn.functional.pad(y, pads), conv.weight, stride=conv.stride, groups=conv.groups)))
        if i:
            y = torch.relu(model.blocks[i - 1].pointwise_norm(model.blocks[i - 1].pointwise(y)))
    assert y.shape[2:] == (3, 12)
    assert int(steps) == found.shape[-1] == 12
    assert torch.allclose(found, y.mean(2), atol=1e-6)


def test_the_form_that_looks_ahead_keeps_every_promise():
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(DsCnn, channels=6, causal=False, second_stride=(2, 2))) if not v.passed]
    assert not failed, "\n".join(failed)


@pytest.mark.slow
def test_a_file_answers_and_streams_as_torch_does(exported):
    parity = exported({"name": "ds_cnn", "channels": 6, "second_stride": [2, 2]})
    assert 0 < parity.streams < 1e-5
    assert parity.clips < 1e-5


def test_nothing_to_build_is_refused():
    with pytest.raises(RequestError, match=r"model\.blocks 0"):
        DsCnn(10, blocks=0)
