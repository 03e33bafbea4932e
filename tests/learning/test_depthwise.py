"""Depthwise convolutions of a mixed-precision step: which of them widen, what they give, and that nothing stays behind."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import pytest
import torch
from tests.tones import prepared, recipe_of
from torch import Tensor, nn

from auricle.learning import experiment
from auricle.learning.depthwise import single
from auricle.types import Spec

BROAD = nn.Conv2d(8, 8, 5, padding=2, groups=8, bias=False)


def gradient(layer: nn.Conv2d | nn.Conv1d, x: Tensor) -> tuple[Tensor, Tensor]:
    """Of the layer's weights, and what it gave, in mixed precision."""
    layer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        made = layer(x)
    made.float().square().sum().backward()
    assert layer.weight.grad is not None
    return layer.weight.grad.clone(), made


@pytest.mark.parametrize(
    ("layer", "widens"),
    [
        (BROAD, True),
        (nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8), True),
        (nn.Conv1d(8, 8, 9, padding=4, groups=8), True),
        (nn.Conv2d(8, 8, 3, padding=1, groups=8), False),
        (nn.Conv2d(8, 8, 5, padding=2), False),
        (nn.Conv2d(8, 8, 5, padding=2, groups=2), False),
    ],
)
def test_those_whose_gradient_would_be_slow_are_as_in_single_precision(layer: nn.Conv2d | nn.Conv1d, widens: bool) -> None:
    x = torch.randn(2, 8, *(12,) * (layer.weight.ndim - 2), generator=torch.Generator().manual_seed(0))
    narrow, _ = gradient(layer, x)
    with single(nn.Sequential(layer)):
        found, made = gradient(layer, x)
    whole = layer(x)
    assert made.dtype == torch.bfloat16
    if widens:
        # The output, and with it its gradient, is rounded to 8 bits; the sums over the map are not.
        torch.testing.assert_close(made, whole.to(torch.bfloat16), rtol=0, atol=0)
        assert not torch.equal(found, narrow)
    else:
        assert torch.equal(found, narrow)
    again, _ = gradient(layer, x)
    assert torch.equal(again, narrow)


def test_nothing_changes_without_mixed_precision_or_without_gradients() -> None:
    x = torch.randn(2, 8, 12, 12, generator=torch.Generator().manual_seed(0))
    with single(BROAD):
        assert BROAD(x).dtype == torch.float32
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            inside = BROAD(x)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(inside, BROAD(x))


def test_what_follows_is_in_mixed_precision_and_a_copy_does_alike() -> None:
    network = nn.Sequential(copy.deepcopy(BROAD), nn.Conv2d(8, 4, 1))
    x = torch.randn(2, 8, 12, 12, generator=torch.Generator().manual_seed(0))
    with single(network), torch.autocast("cpu", torch.bfloat16):
        twin = copy.deepcopy(network)
        assert network(x).dtype == torch.bfloat16
        assert torch.equal(network(x), twin(x))
        assert torch.is_autocast_enabled("cpu")


def test_a_run_widens_them_and_leaves_no_hook(tmp_path: Path, tones: Path) -> None:
    model = Spec("mobile_net", {"width": 0.1})
    run = experiment.training(prepared(tones, dataclasses.replace(recipe_of(epochs=1, precision="bf16-mixed"), model=model)))
    given: list[tuple[torch.dtype, bool]] = []
    broad = next(part for part in run.objective.modules() if isinstance(part, nn.Conv2d) and part.groups > 1 and part.kernel_size == (5, 5))
    weighed = broad._conv_forward
    broad._conv_forward = lambda x, *rest: (given.append((x.dtype, torch.is_autocast_enabled("cpu"))), weighed(x, *rest))[1]
    kept = run.run(tmp_path, lambda at, loss: None)
    assert set(given) == {(torch.float32, False)}
    for network in (kept, run.objective):
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())
