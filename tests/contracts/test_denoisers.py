"""Deliberately broken denoisers, and broken losses of waves, each caught by the check that is there for it."""

from __future__ import annotations

import pytest
import torch

from auricle.contracts.denoisers import denoisers
from auricle.contracts.losses import losses
from auricle.denoisers.crn import Crn
from auricle.losses.si_snr import SiSnr


class Small(Crn):
    """A denoiser.

    Args:
        sample_rate: samples a second.
    """

    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate, bands=16, channels=(4,), hidden=8)


class CountsPadding(Small):
    def forward(self, wave, length):
        return super().forward(wave, torch.full_like(length, wave.shape[-1]))


class HasAnotherDelay(Small):
    def __init__(self, sample_rate: int) -> None:
        super().__init__(sample_rate)
        self.delay -= 7


class ForgetsFrames(Small):
    def step(self, wave, state):
        made, after = super().step(wave, state)
        return made, {**after, "made": torch.zeros_like(after["made"])}


class RemembersInItself(Small):
    def step(self, wave, state):
        last = getattr(self, "last", 0.0)
        self.last = float(wave[0, -1])
        made, after = super().step(wave, state)
        return made + last, after


class KnowsOtherRows(Small):
    def forward(self, wave, length):
        return super().forward(wave - 0.5 * wave.mean(0, keepdim=True), length)


class Sums(SiSnr):
    def forward(self, wave, target, length):
        return super().forward(wave, target, length) * len(wave)


class HearsPadding(SiSnr):
    def forward(self, wave, target, length):
        return super().forward(wave, target, torch.full_like(length, wave.shape[-1]))


class Upwards(SiSnr):
    def forward(self, wave, target, length):
        return -super().forward(wave, target, length)


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (CountsPadding, "padding"),
        (HasAnotherDelay, "stream"),
        (ForgetsFrames, "stream"),
        (RemembersInItself, "two streams"),
        (KnowsOtherRows, "batch independence"),
    ],
)
def test_each_defect_is_caught(broken, check):
    assert not next(v for v in denoisers(broken) if v.name == check).passed


@pytest.mark.parametrize(("broken", "check"), [(Sums, "mean over rows"), (HearsPadding, "padding"), (Upwards, "better is less")])
def test_each_defect_of_a_loss_is_caught(broken, check):
    assert check in {v.name for v in losses(broken) if not v.passed}
