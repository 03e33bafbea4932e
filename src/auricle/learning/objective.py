"""One training step as a module: augment, run the pipe, weigh the answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from auricle import catalog
from auricle.augments._chain import Chain
from auricle.augments._stage import divided
from auricle.errors import RequestError
from auricle.feed import Feed
from auricle.learning.score import score
from auricle.learning.teacher import Panel
from auricle.pipe import Pipe
from auricle.recipe import Recipe
from auricle.share import Share
from auricle.types import Batch, Item, Spec, Task

_LOSS = {"single": "cross_entropy", "multi": "binary_cross_entropy", "distribution": "label_distribution"}


class Rows:
    """What `Objective.forward` takes.

    No dataclass: mixed precision rounds the tensors of every collection it knows, and waves must stay whole.

    Args:
        batch: rows of training clips.
        chance: decides what the augmentations do.
        progress: share of training that is done, which schedules of augmentations follow.
        other: rows of the target domain, whose targets mean nothing.
    """

    __slots__ = ("batch", "chance", "other", "progress")

    def __init__(self, batch: Batch, chance: torch.Generator, progress: float = 0.0, other: Batch | None = None) -> None:
        self.batch = batch
        self.chance = chance
        self.progress = progress
        self.other = other


class Objective(nn.Module):
    """The pipe with its loss and augmentations; `forward` gives the loss of a batch.

    Args:
        pipe: what is trained.
        recipe: names the loss and the augmentations.
        task: decides the loss where the recipe doesn't.
        counts: [K] training clips of each class.
        panel: teachers that hear each row; None where there are none, or where the feed has asked them.
        share: which rows of each batch come, where several processes share it; the loss is that of the whole.

    Raises:
        RequestError: neither the recipe nor the task says which loss; the loss needs what isn't there, or leaves something unused.
    """

    def __init__(
        self, pipe: Pipe, recipe: Recipe, task: Task, *, counts: Tensor, panel: Panel | None = None, share: Share | None = None
    ) -> None:
        super().__init__()
        self.pipe = pipe
        self.panel = panel
        self.share = share or Share()
        self.classes = len(task.labels)
        spec = recipe.loss or _loss(recipe, task)
        self.loss = catalog.make("losses", spec)
        self.needs: tuple[str, ...] = getattr(self.loss, "needs", ())
        self._refuse_what_does_not_meet(spec.name, recipe, task)
        if hasattr(self.loss, "fit"):
            self.loss.fit(counts)
        if hasattr(self.loss, "build"):
            with torch.no_grad():
                self.loss.build(pipe.head.embedding(torch.zeros(1, pipe.model.dim, 1), torch.ones(1, dtype=torch.long)).shape[-1])
        # What the feed did while it read is not done again.
        self.effects = Chain(divided(recipe.augment)[1], recipe.sample_rate, classes=self.classes, share=self.share)
        self.fixed = not any(p.requires_grad for p in pipe.frontend.parameters())

    def forward(self, rows: Rows) -> Tensor:
        """The loss.

        Args:
            rows: of training clips.

        Returns:
            [] mean loss.
        """
        feature, batch = self._heard(rows.batch, rows)
        share = self.share
        given: dict[str, Any] = {"progress": rows.progress}
        if rows.other is not None:
            other, unlabelled = self._heard(rows.other, rows)
            feature, batch = _joined(feature, batch, other, unlabelled)
            share = share.twice()
            ours = torch.arange(len(batch.length), device=batch.length.device) < len(rows.batch.length)
            given["domain"] = ~share.whole(ours.long()).bool()
        with share.together():
            hidden, steps = self.pipe.model(feature, batch.length)
            logits = share.whole(_widened(self.pipe.head(hidden, steps)))
            if "embedding" in self.needs:
                given["embedding"] = share.whole(_widened(self.pipe.head.embedding(hidden, steps)))
        target = share.whole(batch.target)
        if "teacher" in self.needs:
            target, given["teacher"] = target[:, : self.classes], target[:, self.classes :]
        with torch.autocast(logits.device.type, enabled=False):
            loss: Tensor = self.loss(logits, target, **{name: given[name] for name in self.needs})
        return loss

    def judged(self, pipe: Pipe, feed: Feed, items: Sequence[Item]) -> dict[str, float]:
        """What a row of log.csv says of the development group.

        Args:
            pipe: the one that learns, or its average.
            feed: reads the clips.
            items: at least one.

        Returns:
            `dev_loss` and `dev_accuracy`.
        """
        found = score(pipe, feed, items)
        return {"dev_loss": found.loss(), "dev_accuracy": found.accuracy()}

    def _heard(self, batch: Batch, rows: Rows) -> tuple[Any, Batch]:
        """The feature of a batch as the model gets it, and the batch with its frames and targets."""
        # Powers span twelve decades, and teachers say the same whoever learns: neither is taken in reduced precision.
        whole = partial(torch.autocast, batch.wave.device.type, enabled=False)
        with torch.no_grad(), whole():
            batch = self.effects.waves(batch, rng=rows.chance, progress=rows.progress)
            if self.panel is not None:
                hot = batch.target if batch.target.ndim > 1 else nn.functional.one_hot(batch.target, self.classes).to(batch.wave)
                told = self.panel.rows(batch.wave, batch.length, self.loss.soften)
                batch = Batch(batch.wave, batch.length, torch.cat([hot, told], 1))
        with torch.set_grad_enabled(not self.fixed), whole(), self.share.together():
            feature, frames = self.pipe.frontend(batch.wave, batch.length)
        return self.effects.features(feature, Batch(batch.wave, frames, batch.target), rng=rows.chance, progress=rows.progress)

    def _refuse_what_does_not_meet(self, loss: str, recipe: Recipe, task: Task) -> None:
        settings = recipe.transfer
        if "wave" in getattr(self.loss, "kinds", ()):
            raise RequestError(f"loss {loss} compares waves, and this is a {task.kind} task", hint="a recipe with [denoiser] has waves")
        for key, need, value in (("teachers", "teacher", settings.teachers), ("target_domain", "domain", settings.target_domain)):
            if need in self.needs and not value:
                raise RequestError(f"loss {loss} needs recipe.transfer.{key}, which names nothing")
            if value and need not in self.needs:
                raise RequestError(f"recipe.transfer.{key} is given, and loss {loss} makes no use of it")
        if "domain" in self.needs and task.kind != "single":
            raise RequestError(f"loss {loss} is for clips with one label each, and this is a {task.kind} task")
        if "embedding" in self.needs and not hasattr(self.pipe.head, "embedding"):
            raise RequestError(f"loss {loss} compares embeddings, and the head {recipe.head.name} has none")


def _loss(recipe: Recipe, task: Task) -> Spec:
    """The loss where the recipe names none."""
    if recipe.transfer.teachers:
        return Spec("binary_distillation" if task.kind == "multi" else "distillation")
    if recipe.transfer.target_domain:
        return Spec("mmd")
    if task.kind not in _LOSS:
        raise RequestError(f"no loss is known for a {task.kind} task; wanted a [loss] section in the recipe")
    return Spec(_LOSS[task.kind])


def _widened(value: Tensor) -> Tensor:
    """What mixed precision made narrow, in single precision again: losses take differences and logarithms of it."""
    return value.float() if value.dtype == torch.bfloat16 else value


def _joined(feature: Any, batch: Batch, other: Any, unlabelled: Batch) -> tuple[Any, Batch]:
    """Rows of both domains, those of the target domain last and with targets that mean nothing."""
    both = {k: torch.cat([v, other[k]]) for k, v in feature.items()} if isinstance(feature, dict) else torch.cat([feature, other])
    target = torch.cat([batch.target, batch.target.new_zeros(len(unlabelled.length), *batch.target.shape[1:])])
    return both, Batch(torch.cat([batch.wave, unlabelled.wave]), torch.cat([batch.length, unlabelled.length]), target)
