"""Whether a network that others taught stays as it is, where the recipe leaves that to the training clips.

Few clips of sounds like those it was taught with are best told apart by a classifier upon it; tuned on them it forgets more than it learns.
Clips of another kind, which it can't tell apart as it is, it has to be tuned on. docs/guides/transfer.md has the figures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import torch

from auricle import bundle as bundles
from auricle import catalog
from auricle.errors import RequestError
from auricle.feed import Feed, rng
from auricle.learning import probe, transfer
from auricle.learning.devices import processes
from auricle.recipe import Recipe
from auricle.types import Item, Spec

_FEW = 2000  # clips; on more than these a network is tuned without asking


def decided(recipe: Recipe, feed: Feed, items: Sequence[Item], *, bar: Callable[[str, int], Callable[[], object]]) -> tuple[Recipe, str]:
    """The recipe with this choice settled.

    Args:
        recipe: settled otherwise; its `transfer.probe_above` asks.
        feed: surveyed.
        items: training clips.
        bar: makes a progress bar of so many ticks.

    Returns:
        The recipe that asks no more, and what was found, as a sentence; "" where nothing was asked, or nothing but tuning would do.

    Raises:
        RequestError: nothing that could stay as it is, or weights of another network or front end.
    """
    least = recipe.transfer.probe_above
    if not least:
        return recipe, ""
    if not recipe.transfer.weights:
        raise RequestError('recipe.transfer.probe_above asks whether a network stays as it is, and recipe.transfer.weights is ""')
    tuned = dataclasses.replace(recipe, transfer=dataclasses.replace(recipe.transfer, probe_above=0.0))
    if len(items) > _FEW or feed.task.kind != "single" or _needs_training(tuned):
        return tuned, ""
    settings = dataclasses.replace(tuned.transfer, probe="linear")
    frozen = dataclasses.replace(tuned, transfer=settings, head=catalog.check("heads", Spec("mean_pool")), augment=())
    feed.settle(frozen)
    torch.manual_seed(rng(frozen.seed, "initial").initial_seed())
    pipe = bundles.build(frozen, feed.task)
    transfer.start(pipe, frozen, feed.task)
    share = probe.trial(pipe, feed, items, bar("trying the network as it is", len(items)))
    found = f"a classifier upon {recipe.transfer.weights} as it is names {share:.0%} of the training clips right that it is not fitted to"
    if share >= least:
        return frozen, f"{found}, so the network stays so; --set transfer.probe_above=0 tunes it"
    return tuned, f"{found}, less than {least:.0%}, so the network is tuned"


def _needs_training(recipe: Recipe) -> bool:
    """Whether the recipe asks for what only a network that learns can do."""
    settings = recipe.transfer
    return bool(settings.probe or settings.teachers or settings.target_domain or recipe.denoiser) or processes(recipe.train) > 1
