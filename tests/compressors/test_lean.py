"""Quicker forms of a trained thing answer alike: folded to rounding, in integers to what 8 bits allow; the bundle stays as it was."""

from __future__ import annotations

import pytest
import torch

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.compressors.fold import Fold
from auricle.compressors.integers import Integers
from auricle.errors import RequestError
from auricle.layers import perceptron
from auricle.types import Task


def trained(**settings) -> bundles.Bundle:
    torch.manual_seed(0)
    model = {"name": "conv_next", "depths": [1, 1, 2, 1], "dims": [16, 24, 32, 48], "layer_scale": 1.0, **settings}
    recipe = recipes.parse({"sample_rate": 8000, "frontend": {"name": "log_mel", "bins": 32}, "model": model})
    task = Task(("bark", "bell", "rain"), "single")
    pipe = bundles.build(recipe, task)
    with torch.no_grad():
        for _ in range(4):
            pipe.train()(sound(4), torch.full((4,), 8000))
        for name, value in pipe.named_parameters():
            if value.ndim == 1:
                value.add_(0.3 * torch.randn_like(value))  # norms and scales that are not neutral
            elif "linear" in name:
                value.mul_(30)
    return bundles.Bundle(pipe.eval(), recipe, task)


def sound(rows: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(rows, 8000, generator=torch.Generator().manual_seed(seed)) * torch.linspace(0.01, 0.3, rows)[:, None]


LENGTH = torch.tensor([8000, 5000, 8000, 3000])


@pytest.mark.parametrize("settings", [{}, {"taps": 5, "kernel": 9}], ids=["dense", "learnt places"])
@torch.inference_mode()
def test_folding_changes_rounding_alone(settings):
    with torch.inference_mode(False):
        whole = trained(**settings)
    before = {k: v.clone() for k, v in whole.pipe.state_dict().items()}
    folded = Fold().compress(whole)
    for length in (torch.full((4,), 8000), LENGTH):
        wanted, found = whole.pipe(sound(4), length), folded.pipe(sound(4), length)
        assert (found - wanted).abs().max() <= 1e-5 * wanted.abs().max().clamp(min=1)
        assert wanted.std() > 0.3  # answers that differ from one another
    assert all(torch.equal(v, before[k]) for k, v in whole.pipe.state_dict().items())
    assert folded.recipe == whole.recipe


def test_plain_operators_give_what_fused_ones_give():
    folded = Fold().compress(trained()).pipe
    plain = folded(sound(4), LENGTH)  # gradients are on, so nothing is fused
    with torch.inference_mode():
        torch.testing.assert_close(folded(sound(4), LENGTH), plain.detach(), rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_integers_stay_near_and_rows_alone(monkeypatch):
    with torch.inference_mode(False):
        whole = trained()
    quick = Integers().compress(whole, [(sound(4, seed), torch.full((4,), 8000)) for seed in (2, 3)])
    wanted, found = whole.pipe(sound(4), LENGTH), quick.pipe(sound(4), LENGTH)
    assert 10 * torch.log10(wanted.var() / (found - wanted).square().mean()) > 25  # decibels
    assert not torch.equal(found, wanted)
    alone = torch.cat([quick.pipe(sound(4)[i : i + 1], LENGTH[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(alone, found, rtol=1e-2, atol=1e-2)  # bfloat16 between the products
    louder = torch.cat([sound(4)[:3], 100 * sound(4)[3:]])
    torch.testing.assert_close(quick.pipe(louder, LENGTH)[:3], found[:3], rtol=1e-2, atol=1e-2)
    monkeypatch.setattr(perceptron, "available", lambda: False)
    torch.testing.assert_close(quick.pipe(sound(4), LENGTH), found, rtol=0.1, atol=0.1)


def test_what_can_not_be_done_is_refused():
    recipe = recipes.parse({"sample_rate": 8000, "model": {"name": "lstm"}})
    task = Task(("a", "b"), "single")
    with pytest.raises(RequestError, match="lstm has no lean form"):
        Fold().compress(bundles.Bundle(bundles.build(recipe, task), recipe, task))
    with pytest.raises(RequestError, match="needs clips"):
        Integers().compress(trained(), [])
    with pytest.raises(RequestError, match="share is 0"):
        Integers(share=0.0)


def test_the_folded_form_exports(tmp_path):
    from auricle.exporters.onnx import Onnx

    folded = Fold().compress(trained(taps=5, kernel=9))
    with torch.inference_mode():
        folded.pipe(sound(4), LENGTH)  # weights are laid for this machine, and must not go into the file
    assert Onnx().write(folded, tmp_path / "model.onnx").largest <= 1e-4
