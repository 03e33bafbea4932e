"""Pictures: erased boxes, turns by the degrees drawn, and light that obeys its own laws."""

from __future__ import annotations

import math

import pytest
import torch

from auricle.augments.colour_jitter import ColourJitter
from auricle.augments.random_erasing import RandomErasing
from auricle.augments.rotation import Rotation
from auricle.errors import RequestError


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_one_rectangle_is_erased_of_the_drawn_area_anywhere() -> None:
    shape = torch.Size((3000, 40, 60))
    effect = RandomErasing(8000, p=0.6, min_area=0.05, max_area=0.3, max_aspect=2.0)
    erased = effect.draw(_rng(), shape)["erased"]
    down, across = erased.any(2), erased.any(1)
    assert torch.equal(erased, down[:, :, None] & across[:, None, :])
    rows, columns = down.sum(1), across.sum(1)
    some = rows > 0
    assert 1650 < int(some.sum()) < 1950
    area = (rows * columns)[some] / 2400
    assert 0.04 < float(area.min()) < 0.06
    assert 0.28 < float(area.max()) < 0.32
    aspect = (rows / 40 / (columns / 60))[some]
    assert float(aspect.min()) > 0.45
    assert float(aspect.max()) < 2.2
    for line in (down, across):
        runs = line[some].int().diff(dim=1, prepend=torch.zeros(int(some.sum()), 1, dtype=torch.int32)).eq(1).sum(1)
        assert int(runs.max()) == 1
        assert float(line.float().mean(0).min()) > 0  # every place, the first and the last too


def test_the_rest_stays_and_the_box_is_filled() -> None:
    for shape in ((20, 12, 30), (20, 3, 12, 30)):
        x = torch.randn(shape, generator=_rng(1)) + 5
        for fill in ("mean", "noise"):
            effect = RandomErasing(8000, p=1.0, fill=fill)
            values = effect.draw(_rng(), x.shape)
            got = effect.apply(x, values)
            box = values["erased"].expand(shape)
            assert torch.equal(got[~box], x[~box])
            assert not got[box].any() if fill == "mean" else abs(float(got[box].mean())) < 0.1 and 0.9 < float(got[box].std()) < 1.1
    with pytest.raises(RequestError, match=r"areas from 0.5 to 0.2"):
        RandomErasing(8000, min_area=0.5)


@pytest.mark.parametrize("size", [(41, 41), (41, 81)])
@pytest.mark.parametrize("degrees", [90.0, 180.0, -90.0])
def test_a_quarter_turn_is_a_transposition(size: tuple[int, int], degrees: float) -> None:
    x = torch.randn(1, 3, *size, generator=_rng(1))
    got = Rotation(8000).apply(x, {"degrees": torch.tensor([degrees])})
    middle = slice((size[1] - 41) // 2, (size[1] - 41) // 2 + 41)
    wanted = torch.rot90(x[..., middle], {90.0: 1, 180.0: 2, -90.0: -1}[degrees], (2, 3))
    torch.testing.assert_close(got[..., middle], wanted, atol=2e-4, rtol=0)


def test_a_point_goes_round_by_the_degrees_drawn() -> None:
    x = torch.zeros(2, 1, 101, 201)
    x[:, :, 50, 140] = 1.0  # 40 pixels right of the middle
    got = Rotation(8000).apply(x, {"degrees": torch.tensor([15.0, -10.0])})
    for row, degrees in enumerate((15.0, -10.0)):
        weight = got[row, 0] / got[row, 0].sum()
        y, z = (weight.sum(1) * torch.arange(101)).sum() - 50, (weight.sum(0) * torch.arange(201)).sum() - 100
        assert float(z) == pytest.approx(40 * math.cos(math.radians(degrees)), abs=0.3)
        assert float(-y) == pytest.approx(40 * math.sin(math.radians(degrees)), abs=0.3)  # counter-clockwise, rows count downwards
    degrees = Rotation(8000, p=0.5).draw(_rng(), torch.Size((1000, 3, 4, 4)))["degrees"]
    assert 430 < int((degrees == 0).sum()) < 570
    assert -15 <= float(degrees.min()) < -14.5
    assert 14.5 < float(degrees.max()) <= 15


def _values(**drawn: float) -> dict[str, torch.Tensor]:
    usual = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
    return {"chosen": torch.tensor([True])} | {k: torch.tensor([v]) for k, v in (usual | drawn).items()}


def _grey(picture: torch.Tensor) -> torch.Tensor:
    return 0.299 * picture[:, 0] + 0.587 * picture[:, 1] + 0.114 * picture[:, 2]


def test_light_obeys_its_laws() -> None:
    x = 0.3 + 0.3 * torch.rand(1, 3, 9, 11, generator=_rng(1))
    effect = ColourJitter(8000, normalise="none")
    torch.testing.assert_close(effect.apply(x, _values()), x)
    torch.testing.assert_close(effect.apply(x, _values(brightness=1.3)), 1.3 * x)
    flat = effect.apply(x, _values(contrast=0.0))
    torch.testing.assert_close(flat, _grey(x).mean().expand_as(x))
    spread = effect.apply(x, _values(contrast=1.2))
    torch.testing.assert_close(spread - _grey(x).mean(), 1.2 * (x - _grey(x).mean()))
    grey = effect.apply(x, _values(saturation=0.0))
    torch.testing.assert_close(grey, _grey(x)[:, None].expand_as(x))
    for hue in (0.1, -0.3):
        turned = effect.apply(x, _values(hue=hue))
        torch.testing.assert_close(_grey(turned), _grey(x), atol=1e-4, rtol=0)  # a colour's luma stays
        torch.testing.assert_close(effect.apply(turned, _values(hue=-hue)), x, atol=1e-4, rtol=0)
    assert float(effect.apply(x, _values(brightness=5.0)).max()) == 1.0


def test_normalisation_is_undone_and_done_again() -> None:
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = torch.rand(4, 3, 8, 8, generator=_rng(1))
    normal = (x - mean[:, None, None]) / deviation[:, None, None]
    plain, imagenet = ColourJitter(8000, p=1.0, normalise="none"), ColourJitter(8000, p=1.0)
    values = plain.draw(_rng(), x.shape)
    wanted = (plain.apply(x, values) - mean[:, None, None]) / deviation[:, None, None]
    torch.testing.assert_close(imagenet.apply(normal, values), wanted, atol=1e-5, rtol=1e-4)


def test_a_grey_picture_has_no_colour_to_change() -> None:
    x = torch.rand(1, 1, 8, 8, generator=_rng(1)).expand(1, 3, 8, 8)
    got = ColourJitter(8000, normalise="none").apply(x, _values(saturation=1.2, hue=0.2))
    torch.testing.assert_close(got, x, atol=1e-5, rtol=0)
