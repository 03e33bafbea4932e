"""Mixup: waves and targets are the same weighted sums, the row itself weighs more."""

from __future__ import annotations

import pytest
import torch

from auricle.augments.mixup import Mixup
from auricle.errors import RequestError
from auricle.types import Batch


def _batch(rows: int) -> Batch:
    g = torch.Generator().manual_seed(3)
    target = torch.nn.functional.one_hot(torch.randint(4, (rows,), generator=g), 4).float()
    return Batch(torch.randn(rows, 60, generator=g), torch.randint(1, 61, (rows,), generator=g), target)


def test_sums_by_hand() -> None:
    batch = _batch(200)
    effect = Mixup(8000, p=0.6)
    values = effect.draw(torch.Generator().manual_seed(0), batch.wave.shape)
    got = effect.apply(batch, values)
    for row in range(200):
        partner, w = int(values["partner"][row]), float(values["weight"][row])
        torch.testing.assert_close(got.wave[row], w * batch.wave[row] + (1 - w) * batch.wave[partner])
        torch.testing.assert_close(got.target[row], w * batch.target[row] + (1 - w) * batch.target[partner])
        alone = int(batch.length[row])
        assert int(got.length[row]) == (alone if w == 1 else max(alone, int(batch.length[partner])))
    torch.testing.assert_close(got.target.sum(-1), torch.ones(200))
    assert sorted(values["partner"].tolist()) == list(range(200))
    assert 60 < int((values["weight"] == 1).sum()) < 100


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_weights_are_beta_folded_at_a_half(alpha: float) -> None:
    weight = Mixup(8000, p=1.0, alpha=alpha).draw(torch.Generator().manual_seed(0), torch.Size((20000, 1)))["weight"].double()
    assert 0.5 <= float(weight.min()) <= float(weight.max()) <= 1.0
    # Folding keeps (w - 1/2)², whose mean is the variance of Beta(a, a): 1 / (4 (2a + 1)).
    assert float((weight - 0.5).square().mean()) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.03)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_a_distribution_that_is_none_is_told(alpha: float) -> None:
    with pytest.raises(RequestError, match=r"augment mixup: alpha is .*; wanted more than 0"):
        Mixup(8000, alpha=alpha)
