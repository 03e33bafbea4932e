"""Losses between two domains: against slow sums, and what they are there for."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from auricle.layers.gradient_reversal import gradient_reversal
from auricle.losses.adversarial import Adversarial
from auricle.losses.coral import Coral
from auricle.losses.mmd import Mmd

CHANCE = torch.Generator().manual_seed(0)
SOURCE, TARGET = torch.randn(7, 4, generator=CHANCE), torch.randn(5, 4, generator=CHANCE) * 2 + 1


def slow_mmd(source: np.ndarray, target: np.ndarray, *, unbiased: bool) -> float:
    joint = np.concatenate([source, target])
    distance = np.array([[((x - y) ** 2).sum() for y in joint] for x in joint])
    base = distance.sum() / (len(joint) * (len(joint) - 1))
    kernel = sum(np.exp(-distance / (base * 2.0 ** (u - 2))) for u in range(5))
    n = len(source)

    def mean(block: np.ndarray) -> float:
        return float(np.mean([block[i, j] for i in range(len(block)) for j in range(len(block)) if i != j or not unbiased]))

    return mean(kernel[:n, :n]) + mean(kernel[n:, n:]) - 2 * float(kernel[:n, n:].mean())


@pytest.mark.parametrize("unbiased", [True, False])
def test_mmd_equals_the_sums(unbiased: bool) -> None:
    wanted = slow_mmd(SOURCE.double().numpy(), TARGET.double().numpy(), unbiased=unbiased)
    assert float(Mmd(unbiased=unbiased).discrepancy(SOURCE, TARGET)) == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_mmd_of_one_distribution() -> None:
    """The unbiased statistic is 0 on average and may be below it; the biased one never is."""
    chance = torch.Generator().manual_seed(1)
    pairs = [(torch.randn(16, 3, generator=chance), torch.randn(16, 3, generator=chance)) for _ in range(200)]
    unbiased = torch.stack([Mmd().discrepancy(*pair) for pair in pairs])
    biased = torch.stack([Mmd(unbiased=False).discrepancy(*pair) for pair in pairs])
    assert unbiased.mean().abs() < 3 * unbiased.std() / 200**0.5
    assert unbiased.min() < 0 < biased.min()


def test_coral_equals_the_covariances() -> None:
    difference = np.cov(SOURCE.numpy().T) - np.cov(TARGET.numpy().T)
    assert float(Coral().distance(SOURCE, TARGET)) == pytest.approx((difference**2).sum() / (4 * 16), rel=1e-5)


@pytest.mark.parametrize("loss", [Mmd(weight=0.9), Coral(weight=10.0)])
def test_descending_brings_the_domains_together(loss: Mmd | Coral) -> None:
    moved = TARGET.clone().requires_grad_()
    distance = loss.discrepancy if isinstance(loss, Mmd) else loss.distance
    before = float(distance(SOURCE, TARGET))
    optimizer = torch.optim.Adam([moved], lr=0.05)
    logits, domain = torch.zeros(12, 2), torch.arange(12) >= 7
    for _ in range(100):
        optimizer.zero_grad()
        torch.autograd.backward(loss(logits, torch.zeros(12, dtype=torch.long), embedding=torch.cat([SOURCE, moved]), domain=domain))
        optimizer.step()
    assert float(distance(SOURCE, moved.detach())) < 0.3 * before


def test_a_batch_of_one_domain_has_no_discrepancy() -> None:
    index = torch.zeros(7, dtype=torch.long)
    for loss in (Mmd(weight=0.5), Coral()):
        embedding = SOURCE.clone().requires_grad_()
        value = loss(torch.zeros(7, 2), index, embedding=embedding, domain=torch.zeros(7, dtype=torch.bool))
        share = 0.5 if isinstance(loss, Mmd) else 1.0
        assert float(value.detach()) == pytest.approx(share * np.log(2))
        torch.autograd.backward(value)
        assert embedding.grad is not None
        assert bool(embedding.grad.isfinite().all())


def test_gradient_reversal() -> None:
    values = torch.randn(3, requires_grad=True)
    out = gradient_reversal(values, 0.3)
    assert torch.equal(out, values)
    torch.autograd.backward(out.sum())
    assert values.grad is not None
    assert values.grad.tolist() == pytest.approx([-0.3] * 3)


def test_adversarial_gradients() -> None:
    """The judge learns to tell the domains; what it judges gets the same gradient reversed and scaled by the strength."""
    torch.manual_seed(0)
    loss = Adversarial(width=16)
    loss.build(4)
    domain = torch.arange(12) >= 7
    gradients: list[tuple[torch.Tensor, list[torch.Tensor]]] = []
    for given in (SOURCE, SOURCE.clone()):
        embedding = torch.cat([given, TARGET]).requires_grad_()
        loss.zero_grad()
        if not gradients:
            value = loss(torch.zeros(12, 2), torch.zeros(12, dtype=torch.long), embedding=embedding, domain=domain, progress=0.3)
        else:
            value = nn.functional.binary_cross_entropy_with_logits(loss.judge(embedding)[:, 0], domain.float())
        torch.autograd.backward(value)
        assert embedding.grad is not None
        gradients.append((embedding.grad, [p.grad.clone() for p in loss.parameters() if p.grad is not None]))
    (reversed_, ours), (plain, judges) = gradients
    assert torch.allclose(reversed_, -loss.strength(0.3) * plain, atol=1e-7)
    assert len(ours) == len(judges) == 6
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(ours, judges, strict=True))


def test_strength_grows_from_nothing() -> None:
    loss = Adversarial(weight=0.5)
    assert [round(loss.strength(p), 3) for p in (0.0, 0.5, 1.0)] == [0.0, 0.493, 0.5]
