"""An average is the mean of what it followed, and keeps to itself."""

from __future__ import annotations

import torch
from torch import nn

from auricle.learning.average import Average
from auricle.pipe import Pipe


def _pipe() -> Pipe:
    return Pipe(nn.Identity(), nn.BatchNorm1d(3), nn.Linear(3, 2))


def _set(pipe: Pipe, value: float) -> None:
    with torch.no_grad():
        for tensor in pipe.state_dict().values():
            tensor.fill_(value)


def test_epochs_count_evenly() -> None:
    pipe = _pipe()
    average = Average(pipe)
    for epochs, value in ((0, 9.0), (1, 2.0), (2, 4.0), (3, 9.0)):
        _set(pipe, value)
        average.after_epoch(epochs)
    assert all(torch.allclose(v, torch.tensor(5.0)) for v in average.pipe.state_dict().values() if v.is_floating_point())
    assert float(pipe.head.weight.detach().mean()) == 9.0


def test_a_young_average_follows_fast() -> None:
    pipe = _pipe()
    average = Average(pipe)
    _set(average.pipe, 0.0)
    _set(pipe, 1.0)
    average.after_step(0, decay=0.99)  # a tenth stays
    assert torch.allclose(average.pipe.head.bias, torch.tensor(0.9))
    average.after_step(10**6, decay=0.99)
    assert torch.allclose(average.pipe.head.bias, torch.tensor(0.9 + 0.1 * 0.01))
    assert torch.allclose(average.pipe.model.running_var, average.pipe.head.bias[:1].expand(3))


def test_it_is_another_network_in_evaluation_mode() -> None:
    pipe = _pipe().train()
    average = Average(pipe)
    assert pipe.training
    assert not average.pipe.training
    assert all(a.data_ptr() != b.data_ptr() for a, b in zip(pipe.parameters(), average.pipe.parameters(), strict=True))
