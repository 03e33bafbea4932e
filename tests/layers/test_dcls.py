"""Learnable spacings: kernels against the authors' package and a slow construction, folding; training them through the loop."""

from __future__ import annotations

import json
import math
from itertools import product
from pathlib import Path

import pytest
import torch
from tests.tones import TINY, prepared, write_tones

from auricle import recipe as recipes
from auricle.layers.dcls import Dcls, Spacings
from auricle.learning import experiment
from auricle.models.conv_next import ConvNext

PUBLISHED = {"bilinear": "v0", "triangle": "v1", "max": "max", "gauss": "gauss"}


def wave(*shape: int, scale: float, shift: float = 0.0) -> torch.Tensor:
    return (scale * torch.cos(1.7 * torch.arange(torch.Size(shape).numel(), dtype=torch.float64) ** 1.2 + shift)).float().reshape(shape)


def spaced(construction: str, columns: int = 7) -> Spacings:
    spacings = Spacings(3, 2, taps=4, size=(5, columns), construction=construction)
    places, spread = wave(2, 3, 2, 4, scale=2, shift=1), wave(2, 3, 2, 4, scale=0.6, shift=2)
    if construction != "bilinear":
        places, spread = places.flip(0), spread.flip(0)  # the published axis 0 is columns here
    with torch.no_grad():
        spacings.places.copy_(places * torch.tensor([1, columns // 2 / 2]).view(2, 1, 1, 1))
        if spacings.spread is not None:
            spacings.spread.copy_(spread)
    return spacings


@pytest.mark.parametrize("construction", PUBLISHED)
def test_kernels_are_those_of_the_authors_package(construction):
    path = Path(__file__).parents[1] / "reference" / "dcls.json"
    wanted = torch.tensor(json.loads(path.read_text(encoding="utf-8"))[PUBLISHED[construction]]).reshape(3, 2, 5, 5)
    assert torch.allclose(spaced(construction, columns=5).kernel(wave(3, 2, 4, scale=1)), wanted, atol=2e-6)


def slow(weight: float, place: tuple[float, float], spread: tuple[float, float], construction: str) -> list[list[float]]:
    """One weight's cells, by the papers' equations."""
    cells = [[0.0] * 7 for _ in range(5)]
    for row, column in product(range(5), range(7)):
        away = (row - 2 - place[0], column - 3 - place[1])
        if construction == "gauss":
            cells[row][column] = math.exp(-0.5 * sum((a / (abs(s) + 0.27)) ** 2 for a, s in zip(away, spread, strict=True)))
        else:
            reach = [abs(s) + 1 if construction == "max" else 1 for s in spread]
            cells[row][column] = math.prod(max(0.0, r - abs(a)) for a, r in zip(away, reach, strict=True))
    total = 1.0 if construction == "bilinear" else sum(map(sum, cells)) + 1e-7
    return [[weight * value / total for value in row] for row in cells]


@pytest.mark.parametrize("construction", PUBLISHED)
@torch.no_grad()
def test_kernels_are_those_of_a_slow_construction(construction):
    spacings, weight = spaced(construction), wave(3, 2, 4, scale=1)
    spread = torch.zeros(2, 3, 2, 4) if spacings.spread is None else spacings.spread
    wanted = torch.zeros(3, 2, 5, 7)
    for o, i, k in product(range(3), range(2), range(4)):
        place, reach = spacings.places[:, o, i, k].tolist(), spread[:, o, i, k].tolist()
        wanted[o, i] += torch.tensor(slow(float(weight[o, i, k]), (place[0], place[1]), (reach[0], reach[1]), construction))
    assert torch.allclose(spacings.kernel(weight), wanted, atol=1e-6)


@pytest.mark.parametrize("construction", PUBLISHED)
def test_gradients_of_places_are_slopes(construction):
    spacings = spaced(construction).double()
    with torch.no_grad():
        spacings.places.mul_(0.9)  # off the cells, where a hat has two slopes
    weight = wave(3, 2, 4, scale=1).double().requires_grad_()
    places, spread = spacings.places, [] if spacings.spread is None else [spacings.spread]
    assert torch.autograd.gradcheck(lambda *_: spacings.kernel(weight), (weight, places, *spread), eps=1e-7, atol=1e-5)


@torch.no_grad()
def test_folds_into_a_plain_convolution():
    layer, spacings = Dcls(4, 4, taps=3, groups=4), Spacings(4, 1, taps=3, size=(5, 7), construction="gauss")
    x = wave(2, 4, 9, 11, scale=1)
    assert layer(x, spacings).shape == x.shape
    assert torch.allclose(layer.folded(spacings)(x), layer(x, spacings), atol=1e-6)


@torch.no_grad()
@torch.no_grad()
def test_places_are_brought_back_to_the_edge():
    spacings = Spacings(2, 1, taps=3, size=(5, 7), construction="triangle")
    spacings.places.copy_(torch.full_like(spacings.places, 9.0))
    spacings.settle()
    assert spacings.places[0].unique().tolist() == [2.0]
    assert spacings.places[1].unique().tolist() == [3.0]


def training(folder: Path):
    """A run over a handful of tones, of the smallest network with learnable spacings."""
    model = {"name": "conv_next", "depths": [1, 1, 1, 1], "dims": [4, 4, 6, 6], "kernel": 5, "taps": 3, "layer_scale": 1.0}
    tree = {**TINY, "model": model, "train": {**TINY["train"], "epochs": 2, "batch": 6, "weight_decay": 0.5}, "feed": {"seconds": 0.5}}
    torch.manual_seed(0)
    return experiment.training(prepared(folder, recipes.parse(tree)))


def test_training_moves_places_five_times_as_fast_undecayed_and_keeps_them_inside(tmp_path):
    run = training(write_tones(tmp_path / "tones", clips=4))
    spacings = list(run.objective.pipe.model.spacings)
    places = [s.places for s in spacings]
    with torch.no_grad():
        for place in places:
            place.copy_(place.sign() * 2)  # on the edge: about half of what moves would leave
    before = {name: p.detach().clone() for name, p in run.objective.pipe.named_parameters()}
    rates, after, gradients = [], {}, {}

    def report(at, loss):
        rates.append([group["lr"] for group in run.optimizer.param_groups])
        if len(rates) == 1:
            after.update({name: p.detach().clone() for name, p in run.objective.pipe.named_parameters()})
            gradients.update({name: run.optimizer.state[p]["exp_avg"] / 0.1 for name, p in run.objective.pipe.named_parameters()})

    run.run(tmp_path / "checkpoints", report)
    assert all(lr[2] == pytest.approx(5 * lr[0]) and lr[1] == lr[0] > 0 for lr in rates)
    for name, g in gradients.items():  # Adam's first step, by hand; places and spreads do not decay, matrices and kernels do
        pace = 5 if "spacings" in name else 1
        decay = 0.5 if pace == 1 and g.ndim > 1 else 0.0
        wanted = before[name] * (1 - rates[0][0] * decay) - pace * rates[0][0] * g / (g.abs() + 1e-8)
        assert torch.allclose(after[name], wanted.clamp(-2, 2) if name.endswith("places") else wanted, atol=1e-5), name
    assert run.optimizer.param_groups[0]["weight_decay"] == 0.5
    assert {id(p) for s in spacings for p in s.parameters()} == {id(p) for p in run.optimizer.param_groups[2]["params"]}
    joined = torch.cat([place.detach().flatten() for place in places]).abs()
    assert joined.max() == 2
    assert (joined < 2).any()


def test_a_resumed_run_with_learnable_spacings_ends_at_the_same_bits(tmp_path):
    tones = write_tones(tmp_path / "tones", clips=4)
    first = training(tones)

    def report(at, loss):
        if (at.epoch, at.step) == (1, 1):
            first.save(tmp_path / "middle")

    whole = first.run(tmp_path / "whole", report).state_dict()
    second = training(tones)
    second.restore(tmp_path / "middle")
    resumed = second.run(tmp_path / "resumed", lambda at, loss: None).state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())


@pytest.mark.parametrize("construction", PUBLISHED)
@torch.no_grad()
def test_a_network_folds_into_plain_kernels(construction):
    torch.manual_seed(0)
    model = ConvNext(16, **ConvNext.small, taps=4, kernel=5, construction=construction).eval()
    x, length = wave(2, 16, 96, scale=1), torch.tensor([96, 70])
    wanted, _ = model(x, length)
    constructed = sum(p.numel() for p in model.parameters())
    model.fold()
    assert torch.allclose(model(x, length)[0], wanted, atol=1e-6)
    assert not any(isinstance(part, (Dcls, Spacings)) for part in model.modules())
    assert sum(p.numel() for p in model.parameters()) != constructed
