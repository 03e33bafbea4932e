"""The optimizers a recipe may name, and the step that looks for flat places."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from auricle.learning.optimizer import optimizer, uphill
from auricle.settings import Train


@pytest.mark.parametrize(("name", "kind"), [("adamw", torch.optim.AdamW), ("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)])
def test_each_is_torchs_and_spares_biases_and_norms(name: str, kind: type) -> None:
    net = nn.Sequential(nn.Conv1d(2, 3, 5), nn.BatchNorm1d(3), nn.Linear(4, 4))
    made = optimizer(net, Train(optimizer=name, lr=0.2, momentum=0.8, weight_decay=0.3), {"2.weight": 0.5}, {})
    assert type(made) is kind
    decay = {id(p): (group["weight_decay"], group["pace"]) for group in made.param_groups for p in group["params"]}
    assert decay[id(net[0].weight)] == (0.3, 1.0)
    assert decay[id(net[2].weight)] == (0.3, 0.5)
    assert all(decay[id(p)] == (0.0, 1.0) for p in (net[0].bias, net[1].weight, net[1].bias, net[2].bias))
    if name == "sgd":
        assert all(group["momentum"] == 0.8 and group["nesterov"] for group in made.param_groups)


def test_what_learns_later_is_there_from_the_first() -> None:
    net = nn.Linear(2, 2)
    net.weight.requires_grad_(False)
    assert id(net.weight) not in {id(p) for group in optimizer(net, Train(), {}, {}).param_groups for p in group["params"]}
    assert id(net.weight) in {id(p) for group in optimizer(net, Train(), {}, {"weight": 2.0}).param_groups for p in group["params"]}


def test_uphill_is_the_worst_place_of_a_ball() -> None:
    """On a plane the move along the gradient reaches the highest loss within the radius; on leaving, the weights are the same bits."""
    torch.manual_seed(0)
    net = nn.Linear(6, 1)
    direction = torch.randn(1, 6)
    before = [p.detach().clone() for p in net.parameters()]
    loss = (net(direction)).sum()
    torch.autograd.backward(loss)
    slope = torch.cat([direction.flatten(), torch.ones(1)]).norm()
    with uphill(net, 0.3):
        assert all(p.grad is None for p in net.parameters())
        raised = (net(direction)).sum()
        assert float(raised.detach() - loss.detach()) == pytest.approx(0.3 * float(slope), rel=1e-5)
        torch.autograd.backward(raised)
    assert all(torch.equal(p, kept) for p, kept in zip(net.parameters(), before, strict=True))
    assert all(p.grad is not None for p in net.parameters())


def test_norms_look_away_uphill() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    rows = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    torch.autograd.backward(net(rows).square().sum())
    kept = net[1].running_mean.clone()
    with uphill(net, 10.0):
        torch.autograd.backward(net(rows).square().sum())
    assert torch.equal(net[1].running_mean, kept)
    assert net[1].momentum == 0.1
    net(rows)
    assert not torch.equal(net[1].running_mean, kept)
