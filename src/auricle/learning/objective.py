"""One training step as a module: augment, run the pipe, weigh the answer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from auricle import catalog
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
    """

    __slots__ = ("batch", "chance")

    def __init__(self, batch: Batch, chance: torch.Generator) -> None:
        self.batch = batch
        self.chance = chance


class Objective(nn.Module):
    """The pipe with its loss and augmentations; `forward` gives the loss of a batch.

    Args:
        pipe: what is trained.
        recipe: names the loss and the augmentations.
        task: decides the loss where the recipe doesn't.

    Raises:
        RequestError: neither the recipe nor the task says which loss.
    """

    def __init__(self, pipe: Pipe, recipe: Recipe, task: Task) -> None:
        super().__init__()
        if recipe.loss is None and task.kind not in _LOSS:
            raise RequestError(f"no loss is known for a {task.kind} task; wanted a [loss] section in the recipe")
        self.pipe = pipe
        self.loss = catalog.make("losses", recipe.loss or Spec(_LOSS[task.kind]))
        self.effects = [catalog.make("augments", spec, recipe.sample_rate) for spec in recipe.augment]
        self.classes = len(task.labels)
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
            batch = self._waves(rows.batch, chance)
        # Powers span twelve decades: they are never taken in reduced precision.
        with torch.set_grad_enabled(not self.fixed), torch.autocast(batch.wave.device.type, enabled=False):
            feature, frames = self.pipe.frontend(batch.wave, batch.length)
        for effect in self.effects:
            if effect.domain == "feature":
                feature = _masked(feature, effect, chance)
        hidden, steps = self.pipe.model(feature, frames)
        loss: Tensor = self.loss(self.pipe.head(hidden, steps), batch.target)
        return loss

    def _waves(self, batch: Batch, chance: torch.Generator) -> Batch:
        for effect in self.effects:
            if effect.domain == "wave":
                values = effect.draw(chance, batch.wave.shape)
                length = batch.length
                if hasattr(effect, "stretched"):
                    length = effect.stretched(length, values).clamp(max=batch.wave.shape[-1])
                batch = Batch(effect.apply(batch.wave, values), length, batch.target)
            elif effect.domain == "batch":
                rows = batch.target
                if rows.ndim == 1:
                    rows = nn.functional.one_hot(rows, self.classes).to(batch.wave.dtype)
                batch = effect.apply(Batch(batch.wave, batch.length, rows), effect.draw(chance, batch.wave.shape))
        return batch


def _masked(feature: Any, effect: Any, chance: torch.Generator) -> Any:
    """An augmentation of features applied; to each alone, where the model needs several."""
    if isinstance(feature, dict):
        return {name: _masked(each, effect, chance) for name, each in feature.items()}
    return effect.apply(feature, effect.draw(chance, feature.shape))
