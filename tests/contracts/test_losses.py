"""Deliberately broken losses, each caught by the check that is there for it."""

from __future__ import annotations

from torch import nn

from auricle.contracts.losses import losses
from auricle.losses.cross_entropy import CrossEntropy
from auricle.losses.mmd import Mmd


class Sums(CrossEntropy):
    def forward(self, logits, target):
        return super().forward(logits, target) * logits.shape[0]


class Backwards(CrossEntropy):
    def forward(self, logits, target):
        return -super().forward(logits, target)


class IndicesOnly(CrossEntropy):
    def forward(self, logits, target):
        return nn.functional.nll_loss(logits.log_softmax(-1), target)


class Overflows(CrossEntropy):
    def forward(self, logits, target):
        rows = target if target.ndim == 2 else nn.functional.one_hot(target, logits.shape[-1])
        return -(rows * (logits.exp() / logits.exp().sum(-1, keepdim=True)).log()).sum(-1).mean()


class LearnsFromUnlabelled(Mmd):
    def forward(self, logits, target, *, embedding, domain):
        return nn.functional.cross_entropy(logits, target) + self.discrepancy(embedding[~domain], embedding[domain])


class AsksForMore(CrossEntropy):
    needs = ("weather",)


def failed(kind) -> set[str]:
    return {v.name for v in losses(kind) if not v.passed}


def test_each_fault_is_caught_by_its_check():
    assert "mean over rows" in failed(Sums)
    assert "better is less" in failed(Backwards)
    assert "indices and rows" in failed(IndicesOnly)
    assert "extreme logits" in failed(Overflows)
    assert "gradients" in failed(LearnsFromUnlabelled)
    assert "made" in failed(AsksForMore)
