"""CutMix: what comes from the partner is one part of both, and its share of the target is its share of the row."""

from __future__ import annotations

import pytest
import torch

from auricle.augments.cutmix import CutMix
from auricle.augments.mixup import Mixup
from auricle.errors import RequestError
from auricle.types import Batch


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _batch(shape: tuple[int, ...]) -> Batch:
    """Rows that say who they are, silent behind their ends, each its own class."""
    rows, total = shape[0], shape[-1]
    length = torch.randint(total // 3, total + 1, (rows,), generator=_rng(3))
    inside = (torch.arange(total) < length[:, None]).view(rows, *[1] * (len(shape) - 2), total)
    who = (1.0 + torch.arange(rows)).view(rows, *[1] * (len(shape) - 1))
    return Batch(who.expand(shape) * inside, length, torch.eye(rows))


@pytest.mark.parametrize("shape", [(60, 500), (60, 20, 50), (60, 3, 20, 50)])
def test_targets_are_the_true_fractions(shape: tuple[int, ...]) -> None:
    batch = _batch(shape)
    effect = CutMix(8000, p=0.8, on="wave" if len(shape) == 2 else "feature")
    values = effect.draw(_rng(), batch.wave.shape)
    got = effect.apply(batch, values)
    mixed = 0
    for row in range(60):
        own = got.wave[row][..., : int(batch.length[row])]
        shares = torch.zeros(60)
        for who in own.unique().tolist():
            shares[int(who) - 1] = float((own == who).float().mean())  # 0 would be padding, and fail as who -1
        torch.testing.assert_close(got.target[row], shares)
        assert not got.wave[row][..., int(batch.length[row]) :].any()
        mixed += int((shares > 0).sum()) == 2
        assert float(shares[row]) >= 0.45
    assert 30 < mixed < 60
    assert torch.equal(got.length, batch.length)
    torch.testing.assert_close(got.target.sum(1), torch.ones(60))


def test_the_part_is_one_box_where_it_was() -> None:
    g = _rng(4)
    x = torch.randn(40, 16, 30, generator=g)
    batch = Batch(x, torch.full((40,), 30), torch.eye(40))
    effect = CutMix(8000, p=1.0, on="feature")
    values = effect.draw(_rng(), x.shape)
    got = effect.apply(batch, values).wave
    for row in range(40):
        partner = int(values["partner"][row])
        box = got[row] != x[row]
        assert torch.equal(got[row][box], x[partner][box])
        assert torch.equal(box, box.any(1)[:, None] & box.any(0)[None])


def test_shares_are_even_at_alpha_one() -> None:
    share = CutMix(8000, p=1.0).draw(_rng(), torch.Size((20000, 9)))["share"]
    assert float(share.min()) >= 0
    assert 0.49 < float(share.max()) <= 0.5
    assert float(share.mean()) == pytest.approx(0.25, abs=0.005)


def test_features_mix_as_waves_do() -> None:
    x = torch.randn(50, 8, 20, generator=_rng(1))
    batch = Batch(x, torch.randint(5, 21, (50,), generator=_rng(2)), torch.eye(50))
    effect = Mixup(8000, p=0.7, on="feature")
    values = effect.draw(_rng(), x.shape)
    got = effect.apply(batch, values)
    for row in range(50):
        partner, w = int(values["partner"][row]), float(values["weight"][row])
        torch.testing.assert_close(got.wave[row], w * x[row] + (1 - w) * x[partner])
        torch.testing.assert_close(got.target[row], w * batch.target[row] + (1 - w) * batch.target[partner])


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_a_distribution_that_is_none_is_told(alpha: float) -> None:
    with pytest.raises(RequestError, match=r"augment cutmix: alpha is .*; wanted more than 0"):
        CutMix(8000, alpha=alpha)
