"""MDTC: the published size, a slow reading of its blocks, how far it looks ahead, streams in a file."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from auricle import catalog
from auricle.contracts.models import models
from auricle.errors import RequestError
from auricle.models.mdtc import Mdtc
from auricle.types import Spec


def test_parameters_are_the_published_ones():
    with torch.device("meta"):
        model = catalog.make("models", Spec("mdtc", {"flavour": "keywords"}), 80)
    biases = sum(block.depthwise.conv.out_channels + 2 * 64 for block in model._blocks().values())
    classifier = 64 * 64 + 64 + 64 * 12 + 12
    assert biases == 80 + 128 + 16 * 192
    assert sum(p.numel() for p in model.parameters()) + biases + classifier == 160_588  # WeKws says 161 K


@torch.no_grad()
def test_steps_are_the_sum_of_what_the_stacks_hear():
    torch.manual_seed(0)
    model = Mdtc(6, width=4, stacks=2, blocks=3, kernel=3).double().eval()
    x = torch.randn(1, 6, 40).double()
    found, _ = model(x, torch.tensor([40]))
    y, total = x[0], torch.zeros(4, 40).double()
    for name, block in model._blocks().items():
        kernel, dilation = block.depthwise.conv.weight[:, 0, 0], block.depthwise.conv.dilation[1]
        z = torch.zeros_like(y)
        for n in range(40):
            for k in range(3):
                if (at := n - dilation * (2 - k)) >= 0:
                    z[:, n] += kernel[:, k] * y[:, at]
        scale = (1 + 1e-5) ** -0.5  # of a normalisation that has seen nothing yet
        z = (block.first.weight[:, :, 0, 0] @ (z * scale) * scale).clamp(min=0)
        z = block.second.weight[:, :, 0, 0] @ z * scale
        y = (y + z if name != "stem" else z).clamp(min=0)
        if name in ("0.last", "1.last"):
            total += y
    assert torch.allclose(found[0], total)


@torch.no_grad()
def test_looks_ahead_exactly_as_far_as_it_says():
    model = Mdtc(3, width=4, stacks=2, blocks=2, kernel=5, causal=False).double().eval()
    assert model.lookahead == 2 + 2 * (2 + 4)
    for weight in (p for p in model.parameters() if p.ndim == 4):
        weight.fill_(1 / weight[0].numel())  # nothing cancels and no rectifier closes, so every path is heard
    x, length = torch.rand(1, 3, 80, generator=torch.Generator().manual_seed(0)).double(), torch.tensor([80])
    whole, _ = model(x, length)
    for frame, heard in ((30 + model.lookahead, True), (31 + model.lookahead, False)):
        other = x.clone()
        other[..., frame] += 5
        assert bool((model(other, length)[0] != whole)[..., 30].any()) == heard


def test_the_form_that_looks_ahead_keeps_every_promise():
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(Mdtc, width=6, stacks=2, blocks=2, causal=False)) if not v.passed]
    assert not failed, "\n".join(failed)


@pytest.mark.slow
def test_a_file_answers_and_streams_as_torch_does(exported):
    parity = exported({"name": "mdtc", "width": 6, "stacks": 2, "blocks": 2})
    assert 0 < parity.streams < 1e-5
    assert parity.clips < 1e-5


def test_even_kernels_are_refused():
    with pytest.raises(RequestError, match="odd kernel"):
        Mdtc(10, kernel=4)
