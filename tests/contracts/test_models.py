"""Deliberately broken models, each caught by the check that is there for it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from auricle.contracts.models import models


class Sound(nn.Module):
    """A model that keeps the contract: a causal filter over the last three frames.

    Args:
        bins: bins of the feature.
        dim: features of the hidden sequence.
    """

    stride, lookahead, streamable = 1, 0, True

    def __init__(self, bins: int, *, dim: int = 8) -> None:
        super().__init__()
        self.dim = dim
        self.conv = nn.Conv1d(bins, dim, 3)

    def forward(self, feature, length):
        return self.step(feature, self.start(feature.shape[0]))[0], length

    def start(self, rows):
        return {"past": self.conv.weight.new_zeros(rows, self.conv.in_channels, 2)}

    def step(self, feature, state):
        joined = torch.cat([state["past"], feature], dim=-1)
        return self.conv(joined), {"past": joined[..., -2:]}


class Mutates(Sound):
    def forward(self, feature, length):
        feature += 1.0
        return super().forward(feature, length)


class LeaksPadding(Sound):
    streamable = False

    def forward(self, feature, length):
        hidden, _ = super().forward(feature, length)
        return hidden - hidden.mean(-1, keepdim=True), length


class KnowsOtherRows(Sound):
    def forward(self, feature, length):
        hidden, _ = super().forward(feature, length)
        return hidden + 0.01 * hidden.mean(0, keepdim=True), length


class IsOneFrameLate(Sound):
    def start(self, rows):
        return {**super().start(rows), "late": self.conv.weight.new_zeros(rows, self.dim, 1)}

    def forward(self, feature, length):
        return Sound.step(self, feature, Sound.start(self, feature.shape[0]))[0], length

    def step(self, feature, state):
        hidden, after = super().step(feature, state)
        joined = torch.cat([state["late"], hidden], dim=-1)
        return joined[..., :-1], {**after, "late": joined[..., -1:]}


class ForgetsThePast(Sound):
    def step(self, feature, state):
        hidden, after = super().step(feature, state)
        return hidden, {"past": torch.zeros_like(after["past"])}


class KeepsHiddenState(Sound):
    def forward(self, feature, length):
        return Sound.step(self, feature, Sound.start(self, feature.shape[0]))[0], length

    def start(self, rows):
        self.hidden = super().start(rows)["past"]
        return {"past": self.hidden}

    def step(self, feature, state):
        hidden, after = super().step(feature, {"past": self.hidden[: feature.shape[0]]})
        self.hidden = after["past"]
        return hidden, after


class GrowingState(Sound):
    def step(self, feature, state):
        joined = torch.cat([state["past"], feature], dim=-1)
        return self.conv(joined[..., -feature.shape[-1] - 2 :]), {"past": joined}


class LooksAhead(Sound):
    streamable = False

    def forward(self, feature, length):
        return self.conv(nn.functional.pad(feature, (1, 1))), length


class HasADeadParameter(Sound):
    def __init__(self, bins: int, *, dim: int = 8) -> None:
        super().__init__(bins, dim=dim)
        self.unused = nn.Linear(2, 2)


class DetachesTheInput(Sound):
    def forward(self, feature, length):
        return super().forward(feature.detach(), length)


class DropsAlways(Sound):
    def forward(self, feature, length):
        hidden, _ = super().forward(feature, length)
        return nn.functional.dropout(hidden, 0.5, training=True), length


class KeepsALooseTensor(Sound):
    def __init__(self, bins: int, *, dim: int = 8) -> None:
        super().__init__(bins, dim=dim)
        self.scale = torch.rand(dim, 1)

    def step(self, feature, state):
        hidden, after = super().step(feature, state)
        return hidden * self.scale, after


class BranchesOnValues(Sound):
    def forward(self, feature, length):
        hidden, _ = super().forward(feature, length)
        return (hidden * 2 if float(feature.abs().max()) > 100 else hidden), length


class SaysTheWrongDim(Sound):
    def __init__(self, bins: int, *, dim: int = 8) -> None:
        super().__init__(bins, dim=dim)
        self.dim = dim + 1

    def start(self, rows):
        return super().start(rows)


class TakesSettingsByPosition(Sound):
    def __init__(self, bins: int, dim: int = 8) -> None:
        super().__init__(bins, dim=dim)


class DoesNotSayWhy(Sound):
    """A model.

    Args:
        bins: bins of the feature.
        dim: features of the hidden sequence.
    """

    __module__ = "builtins"  # whose docstring says nothing of it
    streamable = False


def failed(kind) -> dict[str, str]:
    return {v.name: v.sentence for v in models(kind) if not v.passed}


def test_a_sound_model_passes():
    Sound.__init__.__doc__ = None
    assert failed(Sound) == {}


@pytest.mark.parametrize(
    ("kind", "check", "word"),
    [
        (Mutates, "inputs untouched", "in place"),
        (LeaksPadding, "padding", "mask by `length`"),
        (LeaksPadding, "cutting", "cut to its length"),
        (KnowsOtherRows, "batch independence", "a row alone"),
        (IsOneFrameLate, "stream", "differs from the whole clip"),
        (ForgetsThePast, "stream", "differs from the whole clip"),
        (KeepsHiddenState, "two streams", "another stream"),
        (GrowingState, "stream state", "must not grow"),
        (LooksAhead, "lookahead", "lookahead says 0"),
        (HasADeadParameter, "gradients", "unused.weight"),
        (DetachesTheInput, "gradients", "the input"),
        (DropsAlways, "determinism", "chance"),
        (KeepsALooseTensor, "tensors registered", "register_buffer"),
        (KeepsALooseTensor, "save and load", "parameters or buffers"),
        (BranchesOnValues, "export", ""),
        (SaysTheWrongDim, "shape", "dim"),
        (TakesSettingsByPosition, "signature", "by position"),
        (DoesNotSayWhy, "stream", "say why"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_the_right_check_fails(kind, check, word):
    found = failed(kind)
    assert check in found, found
    assert word in found[check]


def test_what_cannot_be_made_ends_the_battery():
    class NotAModule:
        def __init__(self, bins: int) -> None:
            self.bins = bins

    (verdict,) = models(NotAModule)
    assert verdict.name == "made"
    assert "nn.Module" in verdict.sentence
