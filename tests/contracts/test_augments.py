"""Deliberately broken augmentations, losses, metrics, deciders and datasets, each caught by the check that is there for it."""

from __future__ import annotations

import torch

from auricle.contracts.augments import augments


class Louder:
    """Rows made louder: keeps the contract.

    Args:
        sample_rate: samples a second.
        p: probability that a row changes.
    """

    domain = "wave"

    def __init__(self, sample_rate: int, *, p: float = 0.5) -> None:
        self.p = p

    def draw(self, rng, shape):
        chosen = torch.rand(shape[0], generator=rng) < self.p
        return {"gain": torch.where(chosen, 1 + torch.rand(shape[0], generator=rng), torch.ones(()))}

    def apply(self, wave, values):
        return wave * values["gain"][:, None]


class InPlace(Louder):
    def apply(self, wave, values):
        wave *= values["gain"][:, None]
        return wave


class GlobalChance(Louder):
    def draw(self, rng, shape):
        return {"gain": 1 + self.p * torch.rand(shape[0])}


class ChanceInApply(Louder):
    def apply(self, wave, values):
        return wave * values["gain"][:, None] * torch.rand(())


class MixesRows(Louder):
    def apply(self, wave, values):
        return super().apply(wave, values) + 0.1 * wave.mean(0)


class AlwaysOn(Louder):
    def draw(self, rng, shape):
        return {"gain": 1 + torch.rand(shape[0], generator=rng)}


class ByPeak(Louder):
    def apply(self, wave, values):
        return super().apply(wave / wave.abs().amax(-1, keepdim=True), values)


class Crops(Louder):
    def apply(self, wave, values):
        return super().apply(wave, values)[..., 1:]


class HearsPadding(Louder):
    def apply(self, wave, values):
        return super().apply(wave, values) + 0.01 * wave.square().mean(-1, keepdim=True).sqrt()


class LeavesTheTensor(Louder):
    def stretched(self, length, values):
        return length - 4000


class Unscheduled(Louder):
    def __init__(self, sample_rate: int, *, p: float = 0.5, p_end: float | None = None) -> None:
        self.p, self.p_end, self._always = p, p_end, p

    def draw(self, rng, shape):
        self.p = self._always
        return super().draw(rng, shape)


class Scheduled(Louder):
    """Rows made louder.

    Args:
        sample_rate: samples a second.
        p: probability that a row changes.
        p_end: probability at the end.
    """

    def __init__(self, sample_rate: int, *, p: float = 0.5, p_end: float | None = None) -> None:
        self.p, self.p_end = p, p_end


def failed(kind) -> set[str]:
    return {v.name for v in augments(kind) if not v.passed}


def test_a_sound_augmentation_passes():
    assert failed(Louder) == set()
    assert failed(Scheduled) == set()


def test_each_fault_is_caught_by_its_check():
    assert "inputs untouched" in failed(InPlace)
    assert "determinism" in failed(GlobalChance)
    assert "determinism" in failed(ChanceInApply)
    assert "batch independence" in failed(MixesRows)
    assert "p = 0" in failed(AlwaysOn)
    assert "silence and clipping" in failed(ByPeak)
    assert "shape" in failed(Crops)
    assert "padding" in failed(HearsPadding)
    assert "padding" in failed(LeavesTheTensor)
    assert "schedule" in failed(Unscheduled)
