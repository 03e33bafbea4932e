"""Shift: a click moves by the samples drawn, silence follows on, the sound stays counted."""

from __future__ import annotations

import torch

from auricle.augments.shift import Shift


def test_click_moves_and_nothing_wraps() -> None:
    effect = Shift(1000, max_shift_ms=40.0)
    wave = torch.zeros(81, 100)
    wave[:, 30] = 1.0
    values = {"samples": torch.arange(-40, 41)}
    got = effect.apply(wave, values)
    for row, samples in enumerate(range(-40, 41)):
        wanted = torch.zeros(100)
        if 0 <= 30 + samples < 100:
            wanted[30 + samples] = 1.0
        assert torch.equal(got[row], wanted)


def test_drawn_evenly_both_ways() -> None:
    samples = Shift(1000, max_shift_ms=5.0).draw(torch.Generator().manual_seed(0), torch.Size((2200, 9)))["samples"]
    counts = torch.bincount(samples + 5)
    assert len(counts) == 11
    assert int(counts.min()) > 140  # 200 each


def test_delayed_sound_is_still_counted() -> None:
    effect = Shift(1000, max_shift_ms=40.0)
    length = torch.tensor([50, 50, 50])
    assert effect.stretched(length, {"samples": torch.tensor([20, 0, -20])}).tolist() == [70, 50, 50]


def test_rolled_sound_comes_in_at_the_other_end_of_its_own_length() -> None:
    effect = Shift(1000, max_shift_ms=40.0, roll=True)
    wave = torch.arange(1.0, 21.0).repeat(3, 1)
    wave[2, 12:] = 0.0
    values = {"samples": torch.tensor([3, -5, 4]), "length": torch.tensor([20, 20, 12])}
    got = effect.apply(wave, values)
    for row, samples in enumerate((3, -5)):
        assert torch.equal(got[row], wave[row].roll(samples))
    assert torch.equal(got[2, :12], wave[2, :12].roll(4))
    assert not got[2, 12:].any()
    assert effect.stretched(values["length"], values).tolist() == [20, 20, 12]
