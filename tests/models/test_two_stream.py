"""Two streams: what each adds, how they are fused, how they begin, one file of both."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.contracts.models import models
from auricle.errors import BundleError, RequestError
from auricle.heads.mean_pool import MeanPool
from auricle.learning import experiment
from auricle.models.two_stream import TwoStream
from auricle.models.vision import Vision
from auricle.types import Task
from auricle.verbs.show import show

SMALL: dict[str, Any] = {"backbone": "test_efficientnet", "hidden": 8, "dim": 12}
FRONT: dict[str, Any] = {"picture": {"height": 32, "width": 48}, "mfcc": {"coefficients": 10}}
TASK = Task(("bark", "bell", "rain"))


def inputs() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    chance = torch.Generator().manual_seed(0)
    feature = {"picture": torch.randn(2, 3, 32, 48, generator=chance), "mfcc": torch.randn(2, 10, 30, generator=chance)}
    return feature, {"picture": torch.tensor([48, 48]), "mfcc": torch.tensor([30, 19])}


def made(**settings: Any) -> TwoStream:
    torch.manual_seed(0)
    return TwoStream({"picture": 32, "mfcc": 10}, **{**SMALL, **settings}).eval()


def test_the_other_form_keeps_every_promise():
    settings = {"fusion": "late_mean", "bidirectional": True, "summary": "attention"}
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(TwoStream, **settings)) if not v.passed]
    assert not failed, "\n".join(failed)


@torch.no_grad()
def test_late_fusion_is_the_mean_of_two_classifiers():
    """Each stream's own answer is the head's to that stream alone; the pooled one is their mean, whatever the head's weights."""
    model, head = made(fusion="late_mean"), MeanPool(12, 3)
    feature, length = inputs()
    hidden, steps = model(feature, length)
    assert steps.tolist() == [2, 2]
    seen = model.vision(feature["picture"], length["picture"])[0][..., 0]
    heard = model.recurrence(feature["mfcc"], length["mfcc"])[0]
    heard = torch.stack([row[:, n - 1] for row, n in zip(heard, length["mfcc"].tolist(), strict=True)])
    each = [head.linear(torch.relu(layer(part))) for layer, part in zip(model.fused, (seen, heard), strict=True)]
    torch.testing.assert_close(head(hidden, steps), (each[0] + each[1]) / 2)
    assert float((each[0] - each[1]).abs().max()) > 1e-2


@torch.no_grad()
@pytest.mark.parametrize("fusion", ["concatenate", "late_mean"])
def test_both_streams_are_heard(fusion):
    model = made(fusion=fusion)
    feature, length = inputs()
    hidden, _ = model(feature, length)
    for name in feature:
        other, _ = model({**feature, name: -feature[name]}, length)
        changed = (other - hidden).abs().amax((0, 1)) > 1e-4
        assert changed.tolist() == ([True] if fusion == "concatenate" else [name == "picture", name == "mfcc"])


@torch.no_grad()
def test_both_directions_end_where_they_end():
    model = made(bidirectional=True)
    states = torch.randn(2, 16, 30)
    wanted = [torch.cat([states[row, :8, n - 1], states[row, 8:, 0]]) for row, n in ((0, 30), (1, 19))]
    assert torch.equal(model._summary(states, torch.tensor([30, 19])), torch.stack(wanted))


@torch.no_grad()
def test_attention_is_a_mean_of_the_valid_frames():
    model = made(summary="attention")
    same = torch.randn(1, 8, 1).expand(2, 8, 30).clone()
    same[1, :, 19:] = 1e6
    torch.testing.assert_close(model._summary(same, torch.tensor([30, 19])), same[:, :, 0])


def bundle(model: dict[str, Any], front: dict[str, Any] = FRONT) -> bundles.Bundle:
    torch.manual_seed(0)
    tree = {"sample_rate": 8000, "frontend": front, "model": {"name": "two_stream", **SMALL, **model}, "feed": {"seconds": 1.0}}
    recipe = recipes.parse(tree)
    pipe = bundles.build(recipe, TASK)
    with torch.no_grad():
        pipe.train()(torch.randn(4, 8000) * 0.1, torch.full((4,), 8000))
        for weight in pipe.head.parameters():
            weight.mul_(10)
    return bundles.Bundle(pipe.eval(), recipe, TASK, 1.0, (), {})


# Frames of two lengths and hops, one of them centred: no count of samples is whole frames of both.
APART = {"picture": {"name": "log_mel", "bins": 32, "hop_ms": 8.0, "win_ms": 31.0}, "mfcc": {"padding": "reflect"}}


@pytest.mark.parametrize("front", [pytest.param(FRONT, id="alike", marks=pytest.mark.slow), pytest.param(APART, id="apart")])
def test_one_file_answers_as_torch(front, tmp_path):
    from auricle.exporters.onnx import Onnx

    parity = Onnx().write(bundle({"fusion": "late_mean", "width": 48}, front), tmp_path / "model.onnx")
    assert parity.clips < 1e-5
    assert parity.streams == 0


@torch.no_grad()
def test_a_bundle_comes_back_without_the_weights_it_began_with(tmp_path):
    kept = bundle({"pretrained": str(tmp_path / "gone.pth")})
    bundles.save(kept, tmp_path / "bundle")
    wave, length = torch.randn(2, 7000) * 0.1, torch.tensor([7000, 4000])
    assert torch.equal(bundles.load(tmp_path / "bundle").pipe(wave, length), kept.pipe(wave, length))
    about = json.loads((tmp_path / "bundle" / "bundle.json").read_text(encoding="utf-8"))
    about["recipe"]["frontend"]["mfcc"]["name"] = "./mine.py"
    (tmp_path / "bundle" / "bundle.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(BundleError, match=r"needs the frontend ./mine.py; a bundle may only name components of auricle"):
        bundles.load(tmp_path / "bundle")


def test_cepstra_are_no_picture():
    tree = {"model": "two_stream", "frontend": {"mfcc": {"name": "picture"}}}
    with pytest.raises(
        RequestError, match="the front end mfcc gives pictures of 3 channels; the model two_stream takes frames without channels"
    ):
        bundles.build(recipes.parse(tree), TASK)


def ready(tones: Path, model: dict[str, Any], **transfer: Any) -> experiment.Prepared:
    tree = {
        "sample_rate": 8000,
        "frontend": FRONT,
        "model": {"name": "two_stream", **SMALL, **model},
        "augment": [{"name": "mixup"}, {"name": "mask_time"}, {"name": "mask_bins"}],
        "feed": {"seconds": 0.4},
        "transfer": transfer,
        "train": {"epochs": 1, "batch": 4, "ema": 0.0, "device": "cpu", "progress": False},
    }
    return experiment.prepare(str(tones), recipes.parse(tree), bar=lambda title, total: lambda: None)


def test_frozen_layers_stay_to_the_last_bit(tones: Path, tmp_path: Path):
    """Three quarters of the backbone's layers, no layer of the recurrence, which knows nothing yet."""
    path = tmp_path / "weights.pth"
    torch.manual_seed(5)
    known = Vision(32, backbone="test_efficientnet").train()
    known(torch.randn(8, 3, 32, 48) + 1, torch.full((8,), 48))  # statistics that are not the initial ones
    torch.save(known.backbone.state_dict(), path)
    run = experiment.training(ready(tones, {"pretrained": str(path)}, freeze=0.75))
    before = {k: v.clone() for k, v in run.objective.pipe.state_dict().items()}
    after = run.run(tmp_path / "checkpoints", lambda at, loss: None).state_dict()
    changed = [k for k in before if not torch.equal(before[k], after[k])]
    own = [f"model.vision.backbone.{k}" for k in known.backbone.state_dict()]
    first = next(i for i, k in enumerate(own) if k in changed)
    assert 0.5 < first / len(own) < 0.9
    for name, value in known.backbone.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(before[f"model.vision.backbone.{name}"], value)
    assert any("running_mean" in k for k in own[:first])
    assert not [k for k in own[first:] if k not in changed]
    assert any(k.startswith("model.recurrence") for k in changed)
    assert any(k.startswith("frontend.members.mfcc.mean") for k, v in before.items() if v.any())  # fitted on the training clips
    with pytest.raises(RequestError, match=r"transfer.freeze fixes layers"):
        experiment.training(ready(tones, {}, freeze=0.75))


def test_show_names_the_front_ends_it_needs():
    shown = show("models", "two_stream")
    assert shown.tree()["needs"] == ["picture", "mfcc"]
    assert "front ends: [frontend.picture], [frontend.mfcc]" in shown.text()
    assert "needs" not in show("models", "vision").tree()
