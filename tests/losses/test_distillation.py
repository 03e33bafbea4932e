"""Distillation against torch's own divergence, and its behaviour at the ends."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from auricle.losses.binary_distillation import BinaryDistillation
from auricle.losses.distillation import Distillation

CHANCE = torch.Generator().manual_seed(0)
LOGITS, TEACHER = 3 * torch.randn(7, 5, generator=CHANCE), 3 * torch.randn(7, 5, generator=CHANCE)
INDEX = torch.randint(5, (7,), generator=CHANCE)


def test_equals_torchs_divergence() -> None:
    loss = Distillation(temperature=4.0, weight=0.6)
    soft = nn.functional.kl_div((LOGITS / 4).log_softmax(-1), (TEACHER / 4).softmax(-1), reduction="batchmean") * 16
    wanted = 0.6 * soft + 0.4 * nn.functional.cross_entropy(LOGITS, INDEX)
    assert float(loss(LOGITS, INDEX, teacher=loss.soften(TEACHER))) == pytest.approx(float(wanted), rel=1e-5)


def test_a_perfect_copy_leaves_only_the_labels() -> None:
    loss = Distillation(weight=1.0)
    assert float(loss(TEACHER, INDEX, teacher=loss.soften(TEACHER))) == pytest.approx(0, abs=1e-5)


def test_soft_gradients_match_logits() -> None:
    """T² makes up for the softening: for high T the gradient is the centred logits' difference over K (Hinton et al. 2015, section 2.1)."""
    logits = LOGITS.double().requires_grad_()
    loss = Distillation(temperature=1e4, weight=1.0)
    torch.autograd.backward(loss(logits, INDEX, teacher=loss.soften(TEACHER.double())))
    difference = LOGITS - TEACHER
    wanted = (difference - difference.mean(-1, keepdim=True)) / (5 * 7)
    assert logits.grad is not None
    assert torch.allclose(logits.grad.float(), wanted, atol=1e-3)


def test_binary_form() -> None:
    rows = nn.functional.one_hot(INDEX, 5).float()
    loss = BinaryDistillation(weight=0.9)
    score = nn.functional.binary_cross_entropy
    wanted = 0.9 * score(LOGITS.sigmoid(), TEACHER.sigmoid()) + 0.1 * score(LOGITS.sigmoid(), rows)
    assert float(loss(LOGITS, rows, teacher=loss.soften(TEACHER))) == pytest.approx(float(wanted), rel=1e-5)
