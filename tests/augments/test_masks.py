"""Both masks: stripes no wider than said, as many as said, anywhere, filled with the mean."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from auricle.augments.mask_bins import MaskBins
from auricle.augments.mask_time import MaskTime
from auricle.errors import RequestError


def _runs(kept: torch.Tensor) -> list[int]:
    """Widths of the stripes of one row."""
    widths, width = [], 0
    for k in [*kept.tolist(), True]:
        if k and width:
            widths.append(width)
        width = 0 if k else width + 1
    return widths


@pytest.mark.parametrize(("kind", "axis"), [(MaskBins, 1), (MaskTime, 2)])
def test_stripes(kind: Any, axis: int) -> None:
    shape = torch.Size((3000, 40, 50))
    effect = kind(8000, stripes=1, max_fraction=0.2)
    kept = effect.draw(torch.Generator().manual_seed(0), shape)["kept"]
    assert kept.shape == (3000, shape[axis])
    most = int(0.2 * shape[axis])
    widths = torch.tensor([sum(_runs(row)) for row in kept])
    assert all(len(_runs(row)) <= 1 for row in kept)
    counts = torch.bincount(widths, minlength=most + 1)
    assert len(counts) == most + 1
    assert int(counts.min()) > 0.7 * 3000 / (most + 1)  # evenly from nothing to the widest
    hidden = (~kept).float().mean(0)
    assert float(hidden.min()) > 0  # every place, the first and the last too
    two = kind(8000, stripes=2, max_fraction=0.2).draw(torch.Generator().manual_seed(0), shape)["kept"]
    assert max(len(_runs(row)) for row in two) == 2
    assert max(sum(_runs(row)) for row in two) <= 2 * most


@pytest.mark.parametrize(("kind", "axis"), [(MaskBins, 1), (MaskTime, 2)])
def test_hidden_is_zero_and_the_rest_stays(kind: Any, axis: int) -> None:
    feature = torch.randn(30, 20, 25, generator=torch.Generator().manual_seed(1)) + 3
    effect = kind(8000, p=0.5)
    values = effect.draw(torch.Generator().manual_seed(0), feature.shape)
    got = effect.apply(feature, values)
    for row in range(30):
        for i, k in enumerate(values["kept"][row].tolist()):
            there, before = got[row].select(axis - 1, i), feature[row].select(axis - 1, i)
            assert torch.equal(there, before if k else torch.zeros_like(before))
    assert 5 < int(values["kept"].all(1).sum()) < 25


@pytest.mark.parametrize(("kind", "axis", "word"), [(MaskBins, 1, "max_bins"), (MaskTime, 2, "max_frames")])
def test_widths_are_those_said(kind: Any, axis: int, word: str) -> None:
    shape = torch.Size((500, 40, 50))
    places = shape[axis]
    fixed = kind(8000, stripes=1, min_fraction=0.2, max_fraction=0.2).draw(torch.Generator().manual_seed(0), shape)["kept"]
    assert {int(n) for n in (~fixed).sum(1)} == {places // 5}
    narrow = kind(8000, stripes=1, max_fraction=0.5, **{word: 4}).draw(torch.Generator().manual_seed(0), shape)["kept"]
    assert {int(n) for n in (~narrow).sum(1)} == {0, 1, 2, 3, 4}
    with pytest.raises(RequestError, match=r"2 stripes of 0.3 to 0.2"):
        kind(8000, min_fraction=0.3, max_fraction=0.2)


def test_a_picture_s_rows_and_columns_are_hidden_in_all_its_colours() -> None:
    picture = torch.rand(6, 3, 12, 20) + 1
    for kind, axis in ((MaskBins, 2), (MaskTime, 3)):
        effect = kind(8000, min_fraction=0.2, stripes=1, max_fraction=0.2)
        values = effect.draw(torch.Generator().manual_seed(0), picture.shape)
        got = effect.apply(picture, values)
        other = 5 - axis
        assert torch.equal((got == 0).all(other).all(1), ~values["kept"])
        assert torch.equal((got == 0).any(other).any(1), ~values["kept"])
