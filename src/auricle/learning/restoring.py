"""What a denoiser learns from and is judged by: each clean clip, and the same with the noise that the recipe's effects put on it.

The pairs are made as they are needed: effects before the first that degrades, such as `gain`, make the clean wave, those from it on, such
as `add_noise`, the noisy one. Of five recordings of noise one is kept for the test, which then judges by noises that training hasn't heard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from auricle import catalog
from auricle.augments._chain import Chain
from auricle.augments._stage import divided
from auricle.errors import RequestError
from auricle.feed import Feed, rng
from auricle.learning.devices import alone
from auricle.learning.objective import Rows
from auricle.metrics.si_snr import SiSnr
from auricle.recipe import Recipe
from auricle.types import Batch, Item, Seconds, Spec

_LONGEST: Seconds = 30.0  # of a clip that judges; as much memory as that takes


@dataclass(frozen=True, slots=True)
class Restored:
    """Clips with noise, before and after.

    Args:
        noisy: [R] SI-SNR, decibels; NaN where the clean clip is silent.
        restored: [R] the same behind the denoiser.
    """

    noisy: NDArray[np.float64]
    restored: NDArray[np.float64]

    @property
    def gain(self) -> NDArray[np.float64]:
        """[R] decibels."""
        return self.restored - self.noisy

    def row(self) -> dict[str, float]:
        """What a row of log.csv says of the development group."""
        return {"dev_loss": -float(np.nanmean(self.restored)), "dev_gain_db": float(np.nanmean(self.gain))}


def refuse(recipe: Recipe) -> None:
    """Refuses, before any clip is read, what a denoiser can't be trained with.

    Args:
        recipe: trains a denoiser.

    Raises:
        RequestError: no effect degrades, one would move the noisy wave away from its clean one, or a setting belongs to classifiers.
    """
    _parted(recipe.augment)
    alone(recipe.train, "a denoiser")
    if recipe.train.precision == "bf16-mixed":
        raise RequestError("train.precision is bf16-mixed, and a denoiser is trained in single precision; wanted auto or 32-true")
    usual = Recipe().transfer
    for key in recipe.transfer.__slots__:
        if getattr(recipe.transfer, key) != getattr(usual, key):
            raise RequestError(f"recipe.transfer.{key} is given, and a denoiser makes no use of it")
    loss = recipe.loss or _usual()
    if "wave" not in getattr(catalog.load("losses", loss.name), "kinds", ()):
        raise RequestError(f"loss {loss.name} compares labels, and a denoiser gives waves; wanted si_snr or none")


class Restoring(nn.Module):
    """A denoiser with its loss and the effects that make pairs; `forward` gives the loss of a batch.

    Args:
        pipe: the denoiser.
        recipe: names the loss and the effects.
    """

    pipe: Any  # what a denoiser is, its kind's contract says

    def __init__(self, pipe: nn.Module, recipe: Recipe) -> None:
        super().__init__()
        self.pipe = pipe
        self.loss = catalog.make("losses", recipe.loss or _usual())
        keeping, harming = _parted(divided(recipe.augment)[1])
        self.keeping = Chain(keeping, recipe.sample_rate, classes=0)
        self.harming = _noises(harming, recipe.sample_rate, held_out=False)

    def forward(self, rows: Rows) -> Tensor:
        """The loss.

        Args:
            rows: of training clips.

        Returns:
            [] mean loss.
        """
        with torch.no_grad():
            clean = self.keeping.waves(rows.batch, rng=rows.chance, progress=rows.progress)
            noisy = self.harming.waves(clean, rng=rows.chance, progress=rows.progress)
        loss: Tensor = self.loss(self.pipe(noisy.wave, noisy.length), clean.wave, clean.length)
        return loss

    def judged(self, pipe: nn.Module, feed: Feed, items: Sequence[Item]) -> dict[str, float]:
        """What a row of log.csv says of the development group, by training's noises.

        Args:
            pipe: the denoiser, or its average.
            feed: reads the clips.
            items: at least one.

        Returns:
            `dev_loss` and `dev_gain_db`.
        """
        return restore(pipe, feed, items, self.harming).row()


def judge(pipe: nn.Module, feed: Feed, items: Sequence[Item], tick: Callable[[], object] | None = None) -> Restored:
    """A denoiser on clips with noises that were kept from its training.

    Args:
        pipe: the denoiser.
        feed: reads the clips.
        items: at least one.
        tick: called after each clip, to move a progress bar.

    Returns:
        How noisy each clip was, and is.
    """
    _, harming = _parted(divided(feed.recipe.augment)[1])
    return restore(pipe, feed, items, _noises(harming, feed.recipe.sample_rate, held_out=True), tick)


@torch.no_grad()
def restore(pipe: nn.Module, feed: Feed, items: Sequence[Item], harming: Chain, tick: Callable[[], object] | None = None) -> Restored:
    """A denoiser on clips with noise, for each clip always the same noise.

    Args:
        pipe: is put into evaluation mode and left in it.
        feed: reads the clips, of which the first 30 seconds count.
        items: at least one.
        harming: puts noise on them.
        tick: called after each clip.

    Returns:
        How noisy each clip was, and is.
    """
    pipe.eval()
    device = next(pipe.parameters()).device
    found = []
    for place, item in enumerate(items):
        clean = torch.from_numpy(feed.wave(item)[: round(_LONGEST * feed.recipe.sample_rate)].copy())[None]
        length = torch.tensor([clean.shape[-1]])
        noisy = harming.waves(Batch(clean, length, torch.zeros(1, 0)), rng=rng(feed.recipe.seed, "judged", place), progress=1.0)
        made = pipe(noisy.wave.to(device), length.to(device)).cpu()
        found.append([SiSnr().rows(each.numpy(), clean.numpy())[0] for each in (noisy.wave, made)])
        if tick:
            tick()
    before, after = np.array(found).T
    return Restored(before, after)


def heldout(recipe: Recipe) -> str:
    """Which noises judge, as a sentence.

    Args:
        recipe: trains a denoiser.

    Returns:
        Such as "Noises: 11 recordings train, 3 others judge."
    """
    _, harming = _parted(recipe.augment)
    told = []
    for effect in Chain(harming, recipe.sample_rate, classes=0).before:
        if recordings := getattr(effect, "recordings", ()):
            other = len(effect.part(held_out=True).recordings)
            kept = len(effect.part(held_out=False).recordings) < len(recordings)
            told.append(f"{len(recordings) - other if kept else other} recordings train, {other} {'others' if kept else 'of them'} judge")
    return f"Noises: {'; '.join(told)}." if told else "Noises are made, other ones for each clip."


def _usual() -> Spec:
    return Spec("si_snr")


def _parted(specs: Sequence[Spec]) -> tuple[list[Spec], list[Spec]]:
    """Effects that make the clean wave, and those that make the noisy one of it."""
    kinds = [catalog.load("augments", spec.name) for spec in specs]
    for spec, kind in zip(specs, kinds, strict=True):
        if kind.domain != "wave":
            raise RequestError(f"augment {spec.name} does not work on one wave after the other, and a denoiser learns from nothing else")
    degrading = [getattr(kind, "degrades", False) for kind in kinds]
    if not any(degrading):
        raise RequestError("no augment degrades the clean clips, and a denoiser learns from pairs", hint='[[augment]] name = "add_noise"')
    first = degrading.index(True)
    for spec, degrades in zip(specs[first:], degrading[first:], strict=True):
        if not degrades:
            raise RequestError(
                f"augment {spec.name} stands after {specs[first].name} and would change the noisy wave, but not the clean one; "
                f"wanted {spec.name} before it"
            )
    return list(specs[:first]), list(specs[first:])


def _noises(specs: Sequence[Spec], sample_rate: int, *, held_out: bool) -> Chain:
    """Effects that degrade, with the noises of training, or with those of the test, which leaves no clip as it is."""
    chain = Chain(specs, sample_rate, classes=0)
    chain.before = [effect.part(held_out=held_out) if hasattr(effect, "part") else effect for effect in chain.before]
    return chain
