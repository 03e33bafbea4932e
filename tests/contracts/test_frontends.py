"""Deliberately broken front ends, each caught by the check that is there for it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from auricle.contracts.frontends import frontends
from auricle.errors import ShapeError


class Energy(nn.Module):
    """Log energy of the slope in short blocks of neighbouring samples, a front end that keeps the contract.

    Args:
        sample_rate: samples a second.
        bins: blocks in a frame.
    """

    streamable = True

    def __init__(self, sample_rate: int, *, bins: int = 16) -> None:
        super().__init__()
        self.bins, self.win, self.hop = bins, sample_rate // 50 // bins * bins, sample_rate // 100

    def forward(self, wave, length):
        if not torch.compiler.is_exporting() and wave.shape[-1] < self.win:
            raise ShapeError(f"the wave has {wave.shape[-1]} samples; one frame needs {self.win}")
        blocks = self.cut(wave).unflatten(2, (self.bins, -1))
        return torch.log(blocks.diff(dim=-1).square().mean(-1) + 1e-6).transpose(1, 2), self.frames(length)

    def cut(self, wave):
        return wave.unfold(1, self.win, self.hop)

    def frames(self, length):
        return (torch.div(length - self.win, self.hop, rounding_mode="floor") + 1).clamp(min=0)


class Centred(Energy):
    def cut(self, wave):
        return super().cut(wave.roll(self.hop // 2, -1))


class NormalisesTheClip(Energy):
    def forward(self, wave, length):
        return super().forward(wave / wave.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-5), length)


class HasNoOffset(Energy):
    def forward(self, wave, length):
        feature, frames = super().forward(wave, length)
        return torch.log((feature.exp() - 1e-6).clamp(min=0)), frames


class AcceptsAnything(Energy):
    def forward(self, wave, length):
        return super().forward(nn.functional.pad(wave, (0, max(0, self.win - wave.shape[-1]))), length)


class MiscountsFrames(Energy):
    def frames(self, length):
        return super().frames(length) + 1


class IsDeaf(Energy):
    def forward(self, wave, length):
        feature, frames = super().forward(wave, length)
        return feature * 0, frames


def failed(kind) -> dict[str, str]:
    return {v.name: v.sentence for v in frontends(kind) if not v.passed}


def test_a_sound_front_end_passes():
    assert failed(Energy) == {}


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (Centred, "stream"),
        (NormalisesTheClip, "stream"),
        (NormalisesTheClip, "padding"),
        (HasNoOffset, "silence"),
        (AcceptsAnything, "short wave"),
        (MiscountsFrames, "shape"),
        (IsDeaf, "tones"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_the_right_check_fails(kind, check):
    assert check in failed(kind)
