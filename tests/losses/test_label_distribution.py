"""The divergence against scipy's relative entropy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import rel_entr

from auricle.losses.label_distribution import LabelDistribution

CHANCE = torch.Generator().manual_seed(0)
LOGITS = torch.randn(6, 4, generator=CHANCE)
VOTES = torch.tensor([[3.0, 0, 0, 0], [1, 2, 0, 0], [1, 1, 1, 0], [0, 0, 1, 2], [0.5, 0.5, 2, 0], [0, 0, 0, 3]])


@pytest.mark.parametrize("epsilon", [0.0, 0.1])
def test_equals_relative_entropy(epsilon: float) -> None:
    share = VOTES / VOTES.sum(-1, keepdim=True)
    smooth = (share + epsilon) / (share + epsilon).sum(-1, keepdim=True)
    wanted = rel_entr(smooth.double().numpy(), LOGITS.double().softmax(-1).numpy()).sum(-1).mean()
    assert float(LabelDistribution(epsilon=epsilon)(LOGITS, share)) == pytest.approx(wanted, rel=1e-5)


def test_agreement_is_nothing() -> None:
    share = LOGITS.softmax(-1)
    assert float(LabelDistribution()(LOGITS, share)) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(float(LabelDistribution()(LOGITS, torch.eye(4)[[0, 1, 2, 3, 0, 1]])))
