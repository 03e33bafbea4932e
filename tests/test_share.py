"""Shares of a batch: portions that cover it, and draws laid out as one process makes them. Real processes are in learning/test_devices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from auricle import share as shares
from auricle.layers.drop_path import DropPath
from auricle.processes import launched, leads, portion
from auricle.share import Share


@pytest.mark.parametrize(("rows", "ranks"), [(8, 2), (5, 2), (7, 3), (3, 3)])
def test_portions_cover_a_batch_once(rows: int, ranks: int) -> None:
    portions = [portion(rows, rank, ranks) for rank in range(ranks)]
    assert [place for each in portions for place in each] == list(range(rows))
    assert max(map(len, portions)) - min(map(len, portions)) <= 1


def test_the_launcher_says_who_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert leads()
    assert launched() == 1
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("LOCAL_RANK", "0")
    monkeypatch.setenv("RANK", "2")
    assert not leads()
    assert launched() == 3


def test_alone_nothing_is_done() -> None:
    rows = torch.randn(3, 2)
    alone = Share()
    assert alone.whole(rows) is rows
    assert alone.mine(rows) is rows
    assert alone.shape(rows.shape) == rows.shape
    assert alone.agreed(True, rows.device)


def _transposed(rows: int) -> Tensor:
    return torch.arange(1.0, 1 + rows * 24).view(4, rows, 6).transpose(0, 1)  # a recurrence's output: time outermost in memory


def _laid(shape: tuple[int, ...], order: torch.memory_format, rows: int) -> Tensor:
    return torch.arange(1.0, 1 + rows * torch.Size(shape).numel()).view(rows, *shape).contiguous(memory_format=order)


@pytest.mark.parametrize(
    "make",
    [
        partial(_laid, (6,), torch.contiguous_format),
        partial(_laid, (4, 3, 5), torch.contiguous_format),
        partial(_laid, (4, 3, 5), torch.channels_last),
        _transposed,
    ],
)
@pytest.mark.parametrize("drop", [nn.Dropout(0.4), nn.Dropout2d(0.4), DropPath(0.4)])
def test_rows_are_dropped_as_by_one_process(make: Callable[[int], Tensor], drop: nn.Module) -> None:
    if isinstance(drop, nn.Dropout2d) and make(1).ndim < 4:
        return
    whole = make(5)
    torch.manual_seed(4)
    one = drop(whole)
    assert 0 < int((one == 0).sum()) < one.numel()
    for rank in range(2):
        share = Share(rank, 2, rows=5)
        own = torch.empty_like(make(len(share.own))).copy_(share.mine(whole))
        torch.manual_seed(4)
        with share.together():
            assert torch.equal(drop(own), share.mine(one))


def test_a_head_s_rows_are_the_clip_s() -> None:
    """Three rows of attention a clip: [B·3, ...]."""
    whole = torch.ones(4 * 3, 7)
    torch.manual_seed(2)
    one = nn.functional.dropout(whole, 0.5)
    torch.manual_seed(2)
    with Share(1, 2, rows=4).together():
        assert torch.equal(nn.functional.dropout(torch.ones(2 * 3, 7), 0.5), one[6:])


def test_two_batches_stand_one_behind_the_other() -> None:
    assert Share(1, 2, rows=5).twice().own.tolist() == [2, 3, 4, 7, 8, 9]


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 5), (6, 3, 5, 2)])
def test_the_norm_is_torch_s_where_one_process_has_all_rows(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "total", lambda own: own)
    kind = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
    ours, torchs = kind(3).double(), kind(3).double()
    x = (3 + 2 * torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))).requires_grad_()
    y = x.detach().clone().requires_grad_()
    for _ in range(2):
        with shares._Together(Share(0, 2, rows=12)):
            mine = ours(x)
        theirs = torchs(y)
        torch.testing.assert_close(mine, theirs)
        assert mine.stride() == theirs.stride()
    (mine**3).sum().backward()
    (theirs**3).sum().backward()
    torch.testing.assert_close(x.grad, y.grad)
    for one, two in zip([*ours.parameters(), *ours.buffers()], [*torchs.parameters(), *torchs.buffers()], strict=True):
        torch.testing.assert_close(one, two)
        if one.requires_grad:
            torch.testing.assert_close(one.grad, two.grad)
    with shares._Together(Share(0, 2, rows=12)):
        torch.testing.assert_close(ours.eval()(x), torchs.eval()(y))
