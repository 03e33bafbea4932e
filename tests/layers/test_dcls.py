"""Learnable spacings: kernels against the authors' package and a slow construction, folding, clamping, groups of parameters."""

from __future__ import annotations

import json
import math
from itertools import product
from pathlib import Path

import pytest
import torch

from auricle.layers.dcls import Dcls, Spacings, groups

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
def test_places_are_brought_back_to_the_edge():
    spacings = Spacings(2, 1, taps=3, size=(5, 7), construction="triangle")
    spacings.places.copy_(torch.full_like(spacings.places, 9.0))
    spacings.clamp()
    assert spacings.places[0].unique().tolist() == [2.0]
    assert spacings.places[1].unique().tolist() == [3.0]


def test_places_learn_five_times_as_fast_and_do_not_decay():
    module = torch.nn.ModuleList([Dcls(4, 4, taps=3, groups=4), Spacings(4, 1, taps=3, size=(5, 7), construction="gauss")])
    weights, vectors, places = groups(module, lr=0.1, weight_decay=0.05)
    assert [len(group["params"]) for group in (weights, vectors, places)] == [1, 1, 2]
    assert (places["lr"], places["weight_decay"], vectors["weight_decay"], weights["weight_decay"]) == (0.5, 0.0, 0.0, 0.05)
