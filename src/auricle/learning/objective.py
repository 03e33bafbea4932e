"""One training step as a module: augment, run the pipe, weigh the answer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from auricle import catalog
from auricle.augments._chain import Chain
from auricle.augments._stage import divided
from auricle.errors import RequestError
from auricle.pipe import Pipe
from auricle.recipe import Recipe
from auricle.types import Batch, Spec, Task

_LOSS = {"single": "cross_entropy", "multi": "binary_cross_entropy"}


class Rows:
    """What `Objective.forward` takes.

    No dataclass: mixed precision rounds the tensors of every collection it knows, and waves must stay whole.

    Args:
        batch: rows of training clips.
        chance: decides what the augmentations do.
        progress: share of training that is done, which schedules of augmentations follow.
    """

    __slots__ = ("batch", "chance", "progress")

    def __init__(self, batch: Batch, chance: torch.Generator, progress: float = 0.0) -> None:
        self.batch = batch
        self.chance = chance
        self.progress = progress


class Objective(nn.Module):
    """The pipe with its loss and augmentations; `forward` gives the loss of a batch.

    Args:
        pipe: what is trained.
        recipe: names the loss and the augmentations.
        task: decides the loss where the recipe doesn't.
        counts: [K] training clips of each class.

    Raises:
        RequestError: neither the recipe nor the task says which loss; the head has no embedding, and the loss needs one.
    """

    def __init__(self, pipe: Pipe, recipe: Recipe, task: Task, *, counts: Tensor) -> None:
        super().__init__()
        if recipe.loss is None and task.kind not in _LOSS:
            raise RequestError(f"no loss is known for a {task.kind} task; wanted a [loss] section in the recipe")
        self.pipe = pipe
        spec = recipe.loss or Spec(_LOSS[task.kind])
        self.loss = catalog.make("losses", spec)
        self.needs: tuple[str, ...] = getattr(self.loss, "needs", ())
        if "embedding" in self.needs and not hasattr(pipe.head, "embedding"):
            raise RequestError(f"loss {spec.name} compares embeddings, and the head {recipe.head.name} has none")
        if hasattr(self.loss, "fit"):
            self.loss.fit(counts)
        if hasattr(self.loss, "build"):
            with torch.no_grad():
                self.loss.build(pipe.head.embedding(torch.zeros(1, pipe.model.dim, 1), torch.ones(1, dtype=torch.long)).shape[-1])
        # What the feed did while it read is not done again.
        self.effects = Chain(divided(recipe.augment)[1], recipe.sample_rate, classes=len(task.labels))
        self.fixed = not any(p.requires_grad for p in pipe.frontend.parameters())

    def forward(self, rows: Rows) -> Tensor:
        """The loss.

        Args:
            rows: of training clips.

        Returns:
            [] mean loss.
        """
        chance = rows.chance
        with torch.no_grad():
            batch = self.effects.waves(rows.batch, rng=chance, progress=rows.progress)
        # Powers span twelve decades: they are never taken in reduced precision.
        with torch.set_grad_enabled(not self.fixed), torch.autocast(batch.wave.device.type, enabled=False):
            feature, frames = self.pipe.frontend(batch.wave, batch.length)
        feature, batch = self.effects.features(feature, Batch(batch.wave, frames, batch.target), rng=chance, progress=rows.progress)
        hidden, steps = self.pipe.model(feature, batch.length)
        given: dict[str, Any] = {}
        if "embedding" in self.needs:
            given["embedding"] = self.pipe.head.embedding(hidden, steps)
        if "progress" in self.needs:
            given["progress"] = rows.progress
        loss: Tensor = self.loss(self.pipe.head(hidden, steps), batch.target, **given)
        return loss
