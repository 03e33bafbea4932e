"""Recurrence over frames: both ways, in a file, and cell by cell."""

from __future__ import annotations

from functools import partial

import torch

from auricle.contracts.models import models
from auricle.models.lstm import Lstm


def test_runs_both_ways_and_keeps_every_promise():
    failed = [f"{v.name}: {v.sentence}" for v in models(partial(Lstm, hidden=6, bidirectional=True)) if not v.passed]
    assert not failed, "\n".join(failed)


@torch.no_grad()
def test_both_ways_is_torchs_own_bidirectional_layer():
    model, own = Lstm(5, hidden=4, bidirectional=True).eval(), torch.nn.LSTM(5, 4, 2, batch_first=True, bidirectional=True)
    for layer in range(2):
        for suffix, part in (("", model.onward), ("_reverse", model.backward_)):
            for name, value in part[layer].named_parameters():
                getattr(own, name.replace("l0", f"l{layer}") + suffix).copy_(value)
    feature, length = torch.randn(2, 5, 9, generator=torch.Generator().manual_seed(0)), torch.tensor([9, 6])
    packed = torch.nn.utils.rnn.pack_padded_sequence(feature.transpose(1, 2), length, batch_first=True)
    wanted, _ = torch.nn.utils.rnn.pad_packed_sequence(own(packed)[0], batch_first=True)
    found = model(feature, length)[0].transpose(1, 2)
    assert torch.allclose(found[0], wanted[0], atol=1e-6)
    assert torch.allclose(found[1, :6], wanted[1, :6], atol=1e-6)


def test_one_file_answers_as_torch_and_streams(exported):
    parity = exported({"name": "lstm", "hidden": 8})
    assert 0 < parity.streams < 1e-5
    assert parity.clips < 1e-5
