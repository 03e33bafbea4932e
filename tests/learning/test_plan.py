"""Which parameters learn from when on, and how fast: groups, names, thawing, and what can't be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from auricle import bundle as bundles
from auricle.errors import RequestError
from auricle.learning import experiment
from auricle.learning.experiment import Prepared
from auricle.learning.loop import Training
from auricle.learning.plan import Plan, layers, plan
from auricle.settings import Transfer

Prepare = Callable[..., Prepared]


def planned(ready: Prepared, **settings: Any) -> tuple[Any, Plan]:
    """A network that knows everything, and the plan for it."""
    pipe = bundles.build(ready.recipe, ready.corpus.task)
    learnt = frozenset(name for name, _ in pipe.named_parameters() if name.startswith("model."))
    return pipe, plan(pipe, Transfer(**settings), learnt)


def test_rates_fall_by_group_from_the_top(prepare: Prepare) -> None:
    pipe, made = planned(prepare(), lr_scale=0.5, lr_decay=0.1, groups=3)
    names = {id(p): f"pipe.{name}" for name, p in pipe.named_parameters()}
    paces = [made.paces[names[id(next(layer[0].parameters(recurse=False)))]] for layer in layers(pipe.model)]
    assert paces == sorted(paces)
    assert {round(pace, 6) for pace in paces} == {0.5, 0.05, 0.005}
    assert not any(name.startswith("pipe.head") for name in made.paces)
    assert not made.late


def test_groups_thaw_from_the_top(prepare: Prepare) -> None:
    pipe, made = planned(prepare(), freeze=1.0, unfreeze_epochs=2.0, groups=3)
    assert set(made.late.values()) == {2.0, 4.0, 6.0}
    last, first = layers(pipe.model)[-1], layers(pipe.model)[0]
    names = {id(p): f"pipe.{name}" for name, p in pipe.named_parameters()}
    assert {made.late[names[id(p)]] for part in last for p in part.parameters(recurse=False)} == {2.0}
    assert {made.late[names[id(p)]] for part in first for p in part.parameters(recurse=False)} == {6.0}


def test_only_the_named_parts_learn(prepare: Prepare) -> None:
    pipe, made = planned(prepare(), learn=("head", "model.collapse"))
    learning = {name for name, p in pipe.named_parameters() if p.requires_grad}
    assert learning == {name for name, _ in pipe.named_parameters() if name.startswith(("head.", "model.collapse."))}
    assert not made.late
    with pytest.raises(RequestError, match=r"names 'model\.colapse', which is no part of the network; did you mean model\.collapse"):
        planned(prepare(), learn=("model.colapse",))


def test_frozen_layers_keep_still_until_their_epoch(tmp_path: Path, prepare: Prepare) -> None:
    """And norms of layers that don't learn yet keep their statistics."""
    ready = prepare(epochs=3, ema=0.0)
    pipe = bundles.build(ready.recipe, ready.corpus.task)
    learnt = frozenset(name for name, _ in pipe.named_parameters() if name.startswith("model."))
    made = plan(pipe, Transfer(freeze=1.0, unfreeze_epochs=1.0, groups=2), learnt)
    run = Training(pipe, ready.feed, ready.division.train, ready.division.dev, plan=made)
    known = [[part for layer in half for part in layer] for half in _halves(layers(pipe.model))]
    kept = [_state(parts) for parts in known]
    moved: list[tuple[bool, bool]] = []

    def watch(at: Any, loss: float) -> None:
        if at.step == run.steps:
            moved.append(tuple(not _same(_state(parts), before) for parts, before in zip(known, kept, strict=True)))  # type: ignore[arg-type]

    run.run(tmp_path, watch)
    assert moved == [(False, False), (False, True), (True, True)]


def _halves(found: list[Any]) -> tuple[list[Any], list[Any]]:
    size = -(-len(found) // 2)
    return found[: len(found) - size], found[len(found) - size :]


def _state(parts: list[torch.nn.Module]) -> list[torch.Tensor]:
    return [value.clone() for part in parts for value in part.state_dict().values()]


def _same(one: list[torch.Tensor], two: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_thawing_needs_one_device(prepare: Prepare) -> None:
    ready = prepare()
    recipe = dataclasses.replace(ready.recipe, train=dataclasses.replace(ready.recipe.train, devices=2, batch=4))
    ready.feed.settle(recipe)
    pipe = bundles.build(recipe, ready.corpus.task)
    with pytest.raises(RequestError, match="needs one process"):
        Training(pipe, ready.feed, ready.division.train, (), plan=Plan(late={"pipe.head.linear.weight": 1.0}))


def test_a_training_without_a_plan_learns_all(prepare: Prepare) -> None:
    run = experiment.training(prepare())
    run.plan.begin(run.objective, 0)
    assert all(p.requires_grad for p in run.objective.pipe.parameters())


@pytest.mark.parametrize(("settings", "key"), [({"freeze": 0.5}, "freeze"), ({"learn": ("head",)}, "learn")])
def test_a_network_that_knows_nothing_is_not_frozen(prepare: Prepare, settings: dict[str, Any], key: str) -> None:
    ready = prepare()
    with pytest.raises(
        RequestError, match=rf"transfer\.{key} fixes layers, but recipe\.transfer\.weights names nothing they could have learnt"
    ):
        plan(bundles.build(ready.recipe, ready.corpus.task), Transfer(**settings), frozenset())
