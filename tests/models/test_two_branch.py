"""The two-branch networks against torch's own layers in the published arrangement, at the published length and others."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

from auricle.contracts.models import models
from auricle.errors import RequestError
from auricle.heads.mean_pool import MeanPool
from auricle.models.two_branch import TwoBranch, _cut

SMALL = {"channels": (3, 4), "pools": (2, 4), "hidden": 6, "layers": 2}


def test_parameters_are_the_published_ones():
    for context, dim, wanted in (("lstm", 512, 263_593), ("transformer", 320, 395_176)):
        model = TwoBranch(128, context=context)
        assert model.dim == dim
        assert sum(p.numel() for p in [*model.parameters(), *MeanPool(dim, 8).parameters()]) == wanted


def published(context: str) -> nn.ModuleDict:
    """The notebooks' layers, by what torch has."""
    sizes, pools = (1, 16, 32, 64, 64), (2, 4, 4, 4)
    layers: list[nn.Module] = []
    for i, pool in enumerate(pools):
        layers += [nn.Conv2d(sizes[i], sizes[i + 1], 3, padding=1), nn.BatchNorm2d(sizes[i + 1]), nn.ReLU(), nn.MaxPool2d(pool)]
    parts: dict[str, nn.Module] = {"convolutions": nn.Sequential(*layers)}
    if context == "lstm":
        parts |= {"lstm": nn.LSTM(64, 128, bidirectional=True, batch_first=True), "score": nn.Linear(256, 1)}
    else:
        layer = nn.TransformerEncoderLayer(64, 4, 512, dropout=0.4, activation="relu", batch_first=True)
        parts["encoder"] = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
    return nn.ModuleDict(parts)


def renamed(name: str) -> str:
    """One of our tensors' names in the arrangement above."""
    if name.startswith("convolutions."):
        _, block, layer, what = name.split(".")
        return f"convolutions.{4 * int(block) + int(layer)}.{what}"
    lstm = {"context.recurrence.onward.": "", "context.recurrence.backward_.": "_reverse"}
    for old, suffix in lstm.items():
        if name.startswith(old):
            return f"lstm.{name.removeprefix(old)}{suffix}"
    inside = {"project.": "self_attn.in_proj_", "mix.": "self_attn.out_proj.", "first_norm": "norm1", "second_norm": "norm2"}
    inside |= {"onward.0": "linear1", "onward.3": "linear2"}
    new = name.replace("context.layers", "encoder.layers").replace("context.score", "score")
    for old, other in inside.items():
        new = new.replace(old, other)
    return new


@pytest.mark.parametrize("context", ["lstm", "transformer"])
@torch.no_grad()
def test_answers_are_those_of_the_published_arrangement(context):
    torch.manual_seed(0)
    model, own = TwoBranch(128, context=context).eval(), published(context).eval()
    for value in model.state_dict().values():
        if value.ndim == 1:
            value.add_(0.1 * torch.rand_like(value))
    own.load_state_dict({renamed(name): value for name, value in model.state_dict().items()})
    x = torch.randn(1, 128, 563)
    left = own["convolutions"](x[:, None])
    assert left.shape == (1, 64, 1, 4)
    steps = nn.functional.max_pool2d(x[:, None], (2, 4)).squeeze(1).transpose(1, 2)
    assert steps.shape == (1, 140, 64)
    if context == "lstm":
        heard, _ = own["lstm"](steps)
        other = (heard * own["score"](heard).softmax(1)).sum(1)
    else:
        other = own["encoder"](steps).mean(1)
    hidden, count = model(x, torch.tensor([563]))
    assert count.tolist() == [1]
    assert torch.allclose(hidden[..., 0], torch.cat([left.flatten(1), other], dim=1), atol=1e-5)


@pytest.mark.parametrize("count", [1, 3, 4, 7, 11])
def test_parts_are_those_of_adaptive_pooling(count):
    x = torch.randn(2, 3, 11, generator=torch.Generator().manual_seed(0))
    found = torch.einsum("bcn,bkn->bck", x, _cut(torch.tensor([count, 11]), 11, 4))
    assert torch.allclose(found[0], nn.functional.adaptive_avg_pool1d(x[0, :, :count], 4), atol=1e-6)
    assert torch.allclose(found[1], nn.functional.adaptive_avg_pool1d(x[1], 4), atol=1e-6)


def test_with_a_transformer_it_keeps_every_promise():
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(TwoBranch, **SMALL, context="transformer")) if not v.passed]
    assert not failed, "\n".join(failed)


@pytest.mark.slow
@pytest.mark.parametrize("context", ["lstm", "transformer"])
def test_a_file_answers_as_torch_does(exported, context):
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in SMALL.items()}
    assert 0 < exported({"name": "two_branch", "context": context, **settings}).clips < 1e-5


def test_lists_that_do_not_match_are_refused():
    with pytest.raises(RequestError, match=r"names 2 convolutions, model\.pools 4"):
        TwoBranch(40, channels=(8, 8))
