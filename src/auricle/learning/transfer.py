"""What a network knew before: weights of a bundle taken over into a pipe for other labels."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import torch

from auricle import bundle as bundles
from auricle import catalog, pretrained
from auricle.errors import BundleError, RequestError
from auricle.pipe import Pipe
from auricle.recipe import Recipe
from auricle.types import Task

_TOLD = ("dataset", "license", "citation", "weights_may_ship", "sha256")


def start(pipe: Pipe, recipe: Recipe, task: Task) -> frozenset[str]:
    """Take over the weights that the recipe names, or those that the model's own settings name, and those of its denoiser.

    Front end and model are taken whole. Of the head everything that has the same name and shape, except the layer of the classes where
    they are others: its tensors are those whose shapes depend on how many classes there are.

    Args:
        pipe: just built; changed in place.
        recipe: names the weights.
        task: what is to be learnt.

    Returns:
        Names of the tensors that were taken over; none where the recipe begins from scratch.

    Raises:
        RequestError: no such weights; another front end.
        BundleError: the weights are of another network, or damaged.
    """
    settings = recipe.transfer
    if settings.denoiser:
        pipe.frontend.denoiser.load_state_dict(_denoiser(recipe).pipe.state_dict())
    if not settings.weights:
        return _begun(pipe)
    source = bundles.load(pretrained.locate(settings.weights))
    _refuse_another_front_end(recipe, source.recipe)
    own, other = pipe.state_dict(), source.pipe.state_dict()
    anew = set() if source.task.labels == task.labels else _of_classes(pipe, recipe, len(task.labels))
    taken = {k: v for k, v in other.items() if k in own and own[k].shape == v.shape and k not in anew}
    odd = sorted(k for k in own.keys() | other.keys() if k not in taken and not k.startswith("head."))
    if odd:
        raise BundleError(
            f"{settings.weights} is of another network than recipe.model: {len(odd)} tensors don't fit, first {odd[0]}",
            hint=f"its model is {json.dumps({'name': source.recipe.model.name, **source.recipe.model.args})}",
        )
    pipe.load_state_dict({**own, **taken})
    return frozenset(taken)


def with_denoiser(recipe: Recipe) -> Recipe:
    """The recipe with the trained denoiser that it names written out, so that a bundle is built without its folder.

    Args:
        recipe: perhaps names one.

    Returns:
        The same for most.

    Raises:
        RequestError: no such denoiser, another sample rate, or other settings than its own.
    """
    if not recipe.transfer.denoiser:
        return recipe
    source = _denoiser(recipe).recipe
    if source.sample_rate != recipe.sample_rate:
        raise RequestError(f"recipe.sample_rate is {recipe.sample_rate}; {recipe.transfer.denoiser} was trained at {source.sample_rate}")
    if recipe.denoiser not in (None, source.denoiser):
        raise RequestError(f"recipe.denoiser is not the one of {recipe.transfer.denoiser}; left out, that one is taken")
    return dataclasses.replace(recipe, denoiser=source.denoiser)


def _denoiser(recipe: Recipe) -> bundles.Bundle:
    source = bundles.load(pretrained.locate(recipe.transfer.denoiser))
    if source.task.kind != "wave":
        raise RequestError(f"recipe.transfer.denoiser is {recipe.transfer.denoiser}, which is a classifier; wanted a trained denoiser")
    return source


def origin(recipe: Recipe) -> dict[str, Any]:
    """What is known of the weights that a recipe transfers, for the model's card.

    Args:
        recipe: names them.

    Returns:
        Plain JSON values; none where it begins from scratch.
    """
    return origin_of(recipe.transfer.weights)


def origin_of(name: str) -> dict[str, Any]:
    """What is known of weights, for the card of a model that begins with them.

    Args:
        name: of the weights, their folder, or "".

    Returns:
        Plain JSON values; none where there are no weights.
    """
    if not name:
        return {}
    place = pretrained.locate(name)
    folder = place if (place / "bundle.json").is_file() else place / "bundle"
    card = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))["card"]
    return {"weights": name, **{k: card[k] for k in _TOLD if k in card}}


def _begun(pipe: Pipe) -> frozenset[str]:
    """Names of the tensors that the model takes from what its own settings name, such as a library's hub."""
    if not hasattr(pipe.model, "begin"):
        return frozenset()
    before = {name: value.clone() for name, value in pipe.model.state_dict().items()}
    pipe.model.begin(pipe.frontend)
    return frozenset(f"model.{name}" for name, value in pipe.model.state_dict().items() if not torch.equal(value, before[name]))


def _of_classes(pipe: Pipe, recipe: Recipe, classes: int) -> set[str]:
    with torch.device("meta"):
        made = [catalog.make("heads", recipe.head, pipe.model.dim, classes + more).state_dict() for more in (0, 1)]
    return {f"head.{k}" for k in made[0] if made[0][k].shape != made[1][k].shape}


def _refuse_another_front_end(recipe: Recipe, source: Recipe) -> None:
    """Weights that hear another feature than they were taught on lose much of what they know, without any error."""
    here, there = ({"sample_rate": each.sample_rate, **_flat(each.tree()["frontend"])} for each in (recipe, source))
    for key in sorted(here.keys() | there.keys()):
        if here.get(key) != there.get(key):
            raise RequestError(
                f"recipe.{key if key == 'sample_rate' else f'frontend.{key}'} is {here.get(key)!r}; "
                f"{recipe.transfer.weights} was taught with {there.get(key)!r}",
                hint="take its front end and sample rate, or begin from scratch",
            )


def _flat(tree: dict[str, Any]) -> dict[str, Any]:
    """Settings of one front end or of several, by their dotted names."""
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= {f"{key}.{k}": v for k, v in _flat(value).items()} if isinstance(value, dict) else {key: value}
    return found
