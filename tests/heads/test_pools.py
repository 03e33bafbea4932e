"""Heads: padding never counts, and streams follow the mean and the maximum exactly."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from auricle import catalog
from auricle.heads.attention_pool import AttentionPool
from auricle.heads.max_mean_pool import MaxMeanPool
from auricle.heads.mean_pool import MeanPool


def _head(kind: Any) -> Any:
    torch.manual_seed(0)
    return kind(5, 3)


def _pooled(head: Any, steps: torch.Tensor) -> torch.Tensor:
    """The definition, over [D, M] steps that all count."""
    if isinstance(head, MeanPool):
        return head.linear(sum(steps.unbind(-1)) / steps.shape[-1])
    if isinstance(head, MaxMeanPool):
        return head.linear(torch.stack([row.mean() + row.max() for row in steps]))
    score = [head.score[2].weight[0, :, 0] @ torch.tanh(head.score[0].weight[..., 0] @ h + head.score[0].bias) for h in steps.unbind(-1)]
    weight = torch.stack(score).exp()
    return head.linear((steps * weight / weight.sum()).sum(-1))


@pytest.mark.parametrize("kind", [MeanPool, MaxMeanPool, AttentionPool])
@torch.no_grad()
def test_only_valid_steps_count(kind: Any) -> None:
    head = _head(kind)
    hidden = torch.randn(6, 5, 9) - 1.0  # below zero too, where a padded zero would win the maximum
    length = torch.tensor([1, 2, 5, 8, 9, 0])
    for junk in (0.0, 50.0, -50.0):
        for row, m in enumerate(length.tolist()):
            hidden[row, :, max(1, m) :] = junk
        got = head(hidden, length)
        for row, m in enumerate(length.tolist()):
            torch.testing.assert_close(got[row], _pooled(head, hidden[row, :, : max(1, m)]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", [MeanPool, MaxMeanPool])
@pytest.mark.parametrize("window", [0, 1, 2, 4, 30])
@pytest.mark.parametrize("cuts", [[1] * 20, [20], [3, 1, 9, 7], [5, 15]])
@torch.no_grad()
def test_stream_follows_the_slow_loop(kind: Any, window: int, cuts: list[int]) -> None:
    head = _head(kind)
    hidden = torch.randn(2, 5, 20, generator=torch.Generator().manual_seed(1)) - 1.0
    state, parts, sizes = head.start(2, window), [], []
    for piece in hidden.split(cuts, dim=-1):
        logits, state = head.step(piece, state)
        parts.append(logits)
        sizes.append({k: tuple(v.shape) for k, v in state.items()})
    got = torch.cat(parts, -1)
    assert got.shape == (2, 3, 20)
    for row in range(2):
        for m in range(20):
            heard = hidden[row, :, max(0, m + 1 - window) if window else 0 : m + 1]
            torch.testing.assert_close(got[row, :, m], _pooled(head, heard), atol=1e-5, rtol=1e-5)
    assert all(size == {k: tuple(v.shape) for k, v in head.start(2, window).items()} for size in sizes)


@pytest.mark.parametrize("name", ["attention_pool", "max_mean_pool", "mean_pool", "mlp_pool"])
@torch.no_grad()
def test_embedding_is_what_the_last_layer_classifies(name):
    head = catalog.load("heads", name)(6, 3).eval()
    hidden, length = torch.randn(2, 6, 9, generator=torch.Generator().manual_seed(0)), torch.tensor([9, 4])
    assert torch.equal(head.linear(head.embedding(hidden, length)), head(hidden, length))
