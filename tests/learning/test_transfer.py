"""What a network knew before: taken over exactly, frozen exactly, slowed where asked, resumed to the same weights."""

from __future__ import annotations

import dataclasses
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.tones import prepared, recipe_of, write_tones

from auricle import bundle as bundles
from auricle.bundle import Bundle
from auricle.errors import BundleError, RequestError
from auricle.learning import checkpoint, experiment, transfer
from auricle.learning.plan import layers
from auricle.settings import Transfer
from auricle.types import Task


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the tiny network with random weights and statistics, for four classes."""
    torch.manual_seed(5)
    recipe, task = recipe_of(), Task(("a", "b", "c", "d"), "single")
    pipe = bundles.build(recipe, task)
    with torch.no_grad():
        for value in pipe.state_dict().values():
            if value.is_floating_point():
                value.add_(torch.rand(value.shape) * 0.1)
    folder = tmp_path_factory.mktemp("source")
    bundles.save(
        Bundle(pipe.eval(), recipe, task, card={"license": "MIT", "dataset": "noises", "weights_may_ship": False}), folder / "bundle"
    )
    return folder


def tuned(folder: Path, source: Path, *, train: dict[str, Any] | None = None, **settings: Any) -> Any:
    """The tones, to be learnt from the source on."""
    recipe = dataclasses.replace(recipe_of(**(train or {})), transfer=Transfer(str(source), **settings))
    return prepared(folder, recipe)


def test_everything_but_the_classes_is_taken(tones: Path, source: Path) -> None:
    found, known = experiment.training(tuned(tones, source)).objective.pipe.state_dict(), bundles.load(source).pipe.state_dict()
    assert all(torch.equal(found[k], known[k]) for k in known if not k.startswith("head.linear"))
    assert found["head.linear.weight"].shape[0] == 3
    assert torch.equal(found["frontend.mean"], known["frontend.mean"])  # its own statistics, not those of the tones


def test_the_same_classes_keep_their_layer_others_of_that_many_don_t(source: Path) -> None:
    bundle = bundles.load(source)
    recipe = dataclasses.replace(bundle.recipe, transfer=Transfer(str(source)))
    for labels, kept in ((("a", "b", "c", "d"), True), (("a", "b", "c", "e"), False)):
        pipe = bundles.build(recipe, Task(labels, "single"))
        taken = transfer.start(pipe, recipe, Task(labels, "single"))
        assert ("head.linear.weight" in taken) == kept
        assert torch.equal(pipe.head.linear.weight, bundle.pipe.head.linear.weight) == kept


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_frozen_layers_stay_to_the_last_bit(tones: Path, source: Path, tmp_path: Path, share: float) -> None:
    training = experiment.training(tuned(tones, source, freeze=share, train={"epochs": 2}))
    model = training.objective.pipe.model
    frozen = layers(model)[: round(share * len(layers(model)))]
    names = {id(part): name for name, part in model.named_modules()}
    kept = tuple(f"model.{names[id(part)]}." for layer in frozen for part in layer)
    pipe, known = training.run(tmp_path, lambda at, loss: None), bundles.load(source).pipe.state_dict()
    changed = {k for k, v in pipe.state_dict().items() if known[k].shape == v.shape and not torch.equal(known[k], v)}
    assert not {k for k in changed if k.startswith(kept)}  # weights, and the statistics of norms
    assert bool({k for k in changed if k.startswith("model.")}) == (share < 1)
    assert any(k.startswith("head") for k in changed) or known["head.linear.weight"].shape != pipe.head.linear.weight.shape


def test_layers_are_matrices_with_the_norms_behind_them(source: Path) -> None:
    model = bundles.load(source).pipe.model
    found = layers(model)
    assert sum(len(layer) for layer in found) == sum(1 for part in model.modules() if [*part.parameters(recurse=False)])
    assert all(any(p.ndim > 1 for p in layer[0].parameters(recurse=False)) for layer in found)
    assert not any(p.ndim > 1 for layer in found for part in layer[1:] for p in part.parameters(recurse=False))


def test_what_was_learnt_moves_more_slowly(tones: Path, source: Path) -> None:
    training = experiment.training(tuned(tones, source, lr_scale=0.25))
    paces = {id(p): group["pace"] for group in training.optimizer.param_groups for p in group["params"]}
    for name, parameter in training.objective.pipe.named_parameters():
        assert paces[id(parameter)] == (1.0 if name.startswith("head.linear") else 0.25)
    plain = experiment.training(prepared(tones, recipe_of()))
    assert [g["pace"] for g in plain.optimizer.param_groups] == [1.0, 1.0]


def test_resumed_to_the_last_bit(tones: Path, source: Path, tmp_path: Path) -> None:
    ready = tuned(tones, source, freeze=0.4, lr_scale=0.5, train={"epochs": 3})
    whole = experiment.training(ready).run(tmp_path / "whole", lambda at, loss: None)

    def interrupt(at: Any, loss: float) -> None:
        if at.epoch == 1 and at.step == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        experiment.training(ready).run(tmp_path / "cut", interrupt)
    assert checkpoint.found(tmp_path / "cut")
    again = experiment.training(ready)
    again.restore(tmp_path / "cut")
    resumed = again.run(tmp_path / "cut", lambda at, loss: None)
    assert all(torch.equal(v, resumed.state_dict()[k]) for k, v in whole.state_dict().items())


def test_the_card_says_what_it_began_with(tones: Path, source: Path) -> None:
    ready = tuned(tones, source)
    assert transfer.origin(ready.recipe) == {"weights": str(source), "license": "MIT", "dataset": "noises", "weights_may_ship": False}
    assert transfer.origin(recipe_of()) == {}
    assert len({ready.recipe.identity, recipe_of().identity, tuned(tones, source, freeze=0.5).recipe.identity}) == 3


def test_what_doesn_t_fit_is_said(tones: Path, source: Path, tmp_path: Path) -> None:
    def started(**changes: Any) -> None:
        recipe = dataclasses.replace(recipe_of(), **{"transfer": Transfer(str(source)), **changes})
        transfer.start(bundles.build(recipe, Task(("a", "b"), "single")), recipe, Task(("a", "b"), "single"))

    plain = recipe_of()
    other = dataclasses.replace(plain.frontend, args={**plain.frontend.args, "win_ms": 32.0})
    with pytest.raises(RequestError, match=r"recipe\.frontend\.win_ms is 32\.0; .* was taught with 25\.0"):
        started(frontend=other)
    with pytest.raises(RequestError, match=r"recipe\.sample_rate is 16000; .* was taught with 8000"):
        started(sample_rate=16_000)
    wide = dataclasses.replace(plain.model, args={**plain.model.args, "width": 8})
    with pytest.raises(BundleError, match="of another network than") as raised:
        started(model=wide)
    assert '"width": 4' in raised.value.hint
    with pytest.raises(RequestError, match="neither the folder of a bundle nor the name"):
        started(transfer=Transfer(str(tmp_path)))


def test_tuning_beats_chance_sooner(tmp_path: Path) -> None:
    """A network that knows the tones needs a step or two for the same sounds under other names."""
    data = write_tones(tmp_path / "data")
    plain = dataclasses.replace(recipe_of(epochs=40, lr=0.01), augment=())
    first = prepared(data, plain)
    taught = experiment.finish(experiment.training(first), first, tmp_path / "a", lambda at, loss: None)
    bundles.save(dataclasses.replace(taught, task=Task(("x", "y", "z"), "single")), tmp_path / "bundle")
    short = dataclasses.replace(plain, train=dataclasses.replace(plain.train, epochs=6))
    losses = []
    for recipe in (dataclasses.replace(short, transfer=Transfer(str(tmp_path))), short):
        run = experiment.training(prepared(data, recipe))
        run.run(tmp_path / f"{len(losses)}", lambda at, loss: None)
        losses.append(run.at.rows[-1]["train_loss"])
    assert losses[0] < 0.8 * losses[1]
