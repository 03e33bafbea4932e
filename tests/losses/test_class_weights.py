"""Classes' weights against their definitions, in each loss that takes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from auricle.errors import RequestError
from auricle.losses._classes import weights
from auricle.losses.binary_cross_entropy import BinaryCrossEntropy
from auricle.losses.cross_entropy import CrossEntropy
from auricle.losses.focal import Focal
from auricle.losses.logit_adjusted import LogitAdjusted

COUNTS = torch.tensor([90.0, 9.0, 1.0])
LOGITS = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
INDEX = torch.tensor([0, 0, 0, 1, 1, 2, 0, 2])
ROWS = nn.functional.one_hot(INDEX, 3).float()


def test_weights() -> None:
    inverse = weights(COUNTS, "inverse", 0.0)
    assert inverse.mean().item() == pytest.approx(1)
    assert (inverse * COUNTS).numpy() == pytest.approx([float(inverse[2])] * 3)
    effective = weights(COUNTS, "effective", 0.99)
    slow = np.array([sum(0.99**each for each in range(int(n))) for n in COUNTS])  # the sum whose closed form the paper gives
    assert (effective.numpy() * slow) == pytest.approx([effective.numpy()[2] * slow[2]] * 3, rel=1e-4)
    assert effective.mean().item() == pytest.approx(1)


def test_a_class_without_clips_weighs_nothing() -> None:
    assert weights(torch.tensor([4.0, 0.0, 4.0]), "inverse", 0.9).tolist() == [1, 0, 1]


def test_beta_of_one_is_refused() -> None:
    with pytest.raises(RequestError, match="beta"):
        weights(COUNTS, "effective", 1.0)


@pytest.mark.parametrize("target", [INDEX, ROWS])
def test_cross_entropy_as_torch_weighs_it(target: torch.Tensor) -> None:
    loss = CrossEntropy(label_smoothing=0.0, class_weights="inverse")
    loss.fit(COUNTS)
    wanted = nn.functional.cross_entropy(LOGITS, INDEX, weight=weights(COUNTS, "inverse", 0.0))
    assert float(loss(LOGITS, target)) == pytest.approx(float(wanted), rel=1e-5)


def test_binary_and_focal_scale_each_class() -> None:
    weight = weights(COUNTS, "effective", 0.9)
    binary = BinaryCrossEntropy(class_weights="effective", beta=0.9)
    binary.fit(COUNTS)
    each = nn.functional.binary_cross_entropy_with_logits(LOGITS, ROWS, reduction="none")
    assert float(binary(LOGITS, ROWS)) == pytest.approx(float((each * weight).mean()), rel=1e-5)
    focal = Focal(gamma=0.0, class_weights="effective", beta=0.9)
    focal.fit(COUNTS)
    each = nn.functional.cross_entropy(LOGITS, INDEX, reduction="none") * weight[INDEX]
    assert float(focal(LOGITS, INDEX)) == pytest.approx(float(each.mean()), rel=1e-5)


def test_unweighted_losses_ignore_the_counts() -> None:
    for loss in (CrossEntropy(), BinaryCrossEntropy(), Focal()):
        before = float(loss(LOGITS, ROWS))
        loss.fit(COUNTS)
        assert float(loss(LOGITS, ROWS)) == before


def test_logit_adjustment_is_optimal_for_even_classes() -> None:
    """With tau 1 the least loss over constant logits is reached by equal ones: the prior alone explains the counts."""
    loss = LogitAdjusted()
    loss.fit(COUNTS)
    target = torch.repeat_interleave(torch.arange(3), COUNTS.long())
    logits = torch.zeros(1, 3, requires_grad=True)
    torch.autograd.backward(loss(logits.expand(100, 3), target))
    assert logits.grad is not None
    assert logits.grad.abs().max().item() < 1e-6
