"""Make more clips like yours: a small WaveGAN learns from the training clips alone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from auricle import recipe as recipes
from auricle.errors import RequestError
from auricle.types import Clip, Seconds

if TYPE_CHECKING:
    from torch import Tensor

    from auricle.learning.experiment import Prepared
    from auricle.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Imitated:
    """Clips that were made.

    Args:
        folder: with clips.csv.
        clips: of each label.
        rule: how the corpus was divided; only its training clips were heard.
        distances: the critic's estimate of the distance between recordings and made clips, over the training.
    """

    folder: Path
    clips: dict[str, int]
    rule: str
    distances: tuple[float, ...]

    def text(self) -> str:
        """How many there are, what they learnt from, and what they are for."""
        return "\n".join(
            [
                f"{sum(self.clips.values())} clips of {len(self.clips)} labels in {self.folder}",
                f"learnt from the training clips alone. {self.rule}",
                f"the critic's distance went from {max(self.distances):.2f} to {self.distances[-1]:.2f}; listen before you trust them",
                f"next     auricle train DATA --also {self.folder}     with the same --recipe and --set",
            ]
        )

    def tree(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"folder": str(self.folder), "clips": self.clips, "rule": self.rule, "distances": list(self.distances)}


def imitate(
    data: str,
    *,
    out: Path,
    recipe: str = "",
    set_: tuple[str, ...] = (),
    clips: int = 50,
    steps: int = 2000,
    width: int = 16,
    lr: float = 1e-4,
    seconds: Seconds = 1.024,
    suffix: Literal["wav", "flac"] = "wav",
) -> Imitated:
    """Train a class-conditional WaveGAN on the training clips, and write clips that it makes.

    The published one took 200,000 steps at width 64 on a GPU. A processor gets through a small part of that, and what comes of it is a
    sketch of the sound. Whether it helps is for the score on held-out recordings to say.

    Args:
        data: a folder, a table, or a corpus by name; with one label a clip.
        out: folder for the clips.
        recipe: which sample rate, seed, batch, device and split, by name or a .toml; the one you train with keeps its test unheard.
        set_: a setting to override, such as split.test=theo; may be repeated.
        clips: to make of each label.
        steps: of the generator, each after five of the critic.
        width: channels of the outer layers; the published one has 64.
        lr: learning rate of both networks; few steps of a narrow one want ten times the published one.
        seconds: length of what is learnt, up to 16384 samples; of longer clips a stretch is drawn anew each time.
        suffix: format of the clips.

    Returns:
        What was made.

    Raises:
        RequestError: clips with several labels, or a length that the network doesn't have.
    """
    from lightning_fabric import Fabric

    from auricle.datasets._made import Shelf, heard
    from auricle.learning import experiment
    from auricle.learning.wave_gan import Rules, WaveGan
    from auricle.verbs._bars import bar_of, bars

    if min(clips, steps, width) < 1:
        raise RequestError(f"clips, steps and width are {clips}, {steps} and {width}; wanted at least 1 of each")
    chosen = _hearing(_recipe(data, recipe, set_), seconds)
    shelf = Shelf(out, columns=(), suffix=suffix)
    with bars(shown=chosen.train.progress) as display:
        prepared = experiment.prepare(data, chosen, bar=bar_of(display))
        task, row = prepared.corpus.task, prepared.feed.row
        _refuse_other_tasks(prepared)
        device = str(Fabric(accelerator=chosen.train.device, devices=1).device)
        gan = WaveGan(len(task.labels), samples=row, width=width, rules=Rules(lr=lr), seed=chosen.seed, device=device)
        told = display.add_task("imitating", total=steps * gan.rules.critic_steps, say="")
        distances = gan.train(
            lambda epoch: _loud(prepared, epoch),
            steps=steps,
            report=lambda distance: display.update(told, advance=1, say=f"distance {distance:.2f}"),
        )
    for index, label in enumerate(task.labels):
        for wave in gan.make(index, clips=clips).numpy():
            shelf.add(label, Clip(wave[None], chosen.sample_rate), {})
    how = {"by": "WaveGAN", "seed": chosen.seed, "steps": steps, "width": width, "lr": lr, "samples": row, "distances": distances}
    division = prepared.division
    shelf.close({**how, "corpus": prepared.corpus.name, "rule": division.protocol, "digest": division.digest}, heard(division.train))
    return Imitated(out, dict.fromkeys(task.labels, clips), division.protocol, tuple(distances))


def _recipe(data: str, recipe: str, set_: tuple[str, ...]) -> Recipe:
    from auricle.datasets._corpus import with_reader

    return recipes.read(recipe or (data if data in recipes.shipped() else "default"), with_reader(data, set_))


def _hearing(recipe: Recipe, seconds: Seconds) -> Recipe:
    """The recipe with rows as long as the network's waves, and nothing done to them."""
    from auricle.learning._wave_gan import UNIT
    from auricle.learning.wave_gan import LONGEST

    samples = UNIT * math.ceil(round(seconds * recipe.sample_rate) / UNIT)
    if not 0 < samples <= LONGEST:
        most = LONGEST / recipe.sample_rate
        raise RequestError(f"--seconds is {seconds:g}; wanted more than 0 and at most {most:.3g} at {recipe.sample_rate} samples a second")
    feed = dataclasses.replace(recipe.feed, seconds=samples / recipe.sample_rate, short="pad")
    return dataclasses.replace(recipe, feed=feed, augment=())


def _refuse_other_tasks(prepared: Prepared) -> None:
    from auricle.datasets._made import unfit

    if prepared.corpus.task.kind != "single":
        raise RequestError(f"{prepared.corpus.name} is a {prepared.corpus.task.kind} task; wanted clips with one label each")
    wrong = [why for label in prepared.corpus.task.labels if (why := unfit(label))]
    if wrong:
        raise RequestError(f"{prepared.corpus.name}: {wrong[0]}; wanted labels that can")


def _loud(prepared: Prepared, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch's rows and classes, each row as loud as full scale allows."""
    for batch in prepared.feed.batches(prepared.division.train, epoch):
        peak = batch.wave.abs().amax(1, keepdim=True)
        yield batch.wave / peak.clamp(min=1e-5), batch.target
