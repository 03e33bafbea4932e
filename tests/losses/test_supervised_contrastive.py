"""The contrastive loss against its equation, row by row."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from auricle.losses.supervised_contrastive import SupervisedContrastive

CHANCE = torch.Generator().manual_seed(0)
EMBEDDING = torch.randn(9, 6, generator=CHANCE)
INDEX = torch.tensor([0, 0, 1, 1, 1, 2, 2, 0, 3])  # class 3 has no other row


def slow(embedding: torch.Tensor, index: torch.Tensor, temperature: float) -> float:
    unit = [row / row.norm() for row in embedding.double()]
    losses = []
    for i in range(len(unit)):
        others = [j for j in range(len(unit)) if j != i]
        positives = [j for j in others if index[j] == index[i]]
        if positives:
            total = sum(math.exp(float(unit[i] @ unit[a]) / temperature) for a in others)
            losses.append(-sum(math.log(math.exp(float(unit[i] @ unit[p]) / temperature) / total) for p in positives) / len(positives))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_equals_the_equation(temperature: float) -> None:
    loss = SupervisedContrastive(weight=1.0, temperature=temperature)
    got = loss(torch.zeros(9, 4), INDEX, embedding=EMBEDDING)
    assert float(got) == pytest.approx(slow(EMBEDDING, INDEX, temperature), rel=1e-5)


def test_hard_rows_are_indices() -> None:
    loss = SupervisedContrastive()
    logits = torch.randn(9, 4, generator=CHANCE)
    rows = nn.functional.one_hot(INDEX, 4).float()
    assert torch.allclose(loss(logits, INDEX, embedding=EMBEDDING), loss(logits, rows, embedding=EMBEDDING))


def test_a_batch_without_positives_is_cross_entropy_alone() -> None:
    loss = SupervisedContrastive(weight=0.25)
    embedding = EMBEDDING[:4].clone().requires_grad_()
    value = loss(torch.zeros(4, 4), torch.arange(4), embedding=embedding)
    torch.autograd.backward(value)
    assert float(value.detach()) == pytest.approx(0.75 * math.log(4))
    assert embedding.grad is not None
    assert bool(embedding.grad.isfinite().all())
