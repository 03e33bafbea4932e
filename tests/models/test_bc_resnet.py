"""BC-ResNet: the published parameter counts, how far it hears, and the causal form."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from auricle.contracts.models import models
from auricle.heads.mean_pool import MeanPool
from auricle.models.bc_resnet import BcResNet

PUBLISHED = {1: 9_232, 1.5: 17_154, 2: 27_284, 3: 54_168, 6: 187_812, 8: 321_068}  # 40 bins, 12 classes


@pytest.mark.parametrize("width", PUBLISHED)
@pytest.mark.parametrize("causal", [False, True])
def test_parameters_are_the_published_ones(width, causal):
    with torch.device("meta"):
        model = BcResNet(40, width=width, causal=causal)
        head = MeanPool(model.dim, 12)
    assert sum(p.numel() for part in (model, head) for p in part.parameters()) == PUBLISHED[width]


@pytest.mark.parametrize("causal", [False, True])
@torch.no_grad()
def test_hears_as_far_as_it_says(causal):
    model = BcResNet(10, causal=causal).double().eval()
    for weight in (p for p in model.parameters() if p.ndim == 4):
        weight.fill_(1 / weight[0].numel())  # nothing cancels and no rectifier closes, so every path is heard
    x, frames = torch.rand(1, 10, 240, generator=torch.Generator().manual_seed(0)).double(), torch.tensor([240])
    whole, _ = model(x, frames)
    x[..., 120] += 5
    changed = (model(x, frames)[0] != whole).any(1)[0].nonzero()[:, 0]
    assert (int(changed[0]), int(changed[-1])) == ((120, 120 + 116) if causal else (120 - 58, 120 + 58))
    assert model.lookahead == 120 - int(changed[0])


def test_causal_form_keeps_every_promise():
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(BcResNet, causal=True)) if not v.passed]
    assert not failed, "\n".join(failed)


def test_both_forms_share_their_weights():
    causal, published = BcResNet(40, causal=True), BcResNet(40)
    assert {k: v.shape for k, v in causal.state_dict().items()} == {k: v.shape for k, v in published.state_dict().items()}
