"""TC-ResNet: the published sizes, and the form that looks ahead."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from auricle.contracts.models import models
from auricle.heads.mean_pool import MeanPool
from auricle.models.tc_resnet import TcResNet

# Table 1 of the paper, in thousands; they count the running statistics too.
PUBLISHED = {((1, 1, 1), 1.0): 66, ((1, 1, 1), 1.5): 145, ((2, 2, 2), 1.0): 137, ((2, 2, 2), 1.5): 305}


@pytest.mark.parametrize(("blocks", "width"), PUBLISHED)
def test_parameters_are_the_published_ones(blocks, width):
    with torch.device("meta"):
        model = TcResNet(40, width=width, blocks=blocks)
        head = MeanPool(model.dim, 12)
    numbers = sum(value.numel() for part in (model, head) for key, value in part.state_dict().items() if "num_batches" not in key)
    assert round(numbers / 1000) == PUBLISHED[blocks, width]


def test_the_published_padding_keeps_every_promise():
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(TcResNet, causal=False, width=0.5)) if not v.passed]
    assert not failed, "\n".join(failed)


@torch.no_grad()
def test_looks_ahead_exactly_as_far_as_it_says():
    model = TcResNet(4, width=0.25, causal=False).double().eval()
    for weight in (p for p in model.parameters() if p.ndim == 4):
        weight.fill_(1 / weight[0].numel())  # nothing cancels and no rectifier closes, so every path is heard
    x, length = torch.rand(1, 4, 240, generator=torch.Generator().manual_seed(0)).double(), torch.tensor([240])
    whole, _ = model(x, length)
    last = 11 * 8 + 7 + model.lookahead  # the last frame that step 11 hears
    for frame, heard in ((last, True), (last + 1, False)):
        other = x.clone()
        other[..., frame] += 5
        assert bool((model(other, length)[0] != whole)[..., 11].any()) == heard
