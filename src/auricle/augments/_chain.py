"""A recipe's effects in their order, on waves before the front end and on features behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from auricle import catalog
from auricle.augments._stage import by_now, changed, drawn
from auricle.errors import RequestError
from auricle.share import Share
from auricle.types import Batch, Spec


class Chain:
    """Effects that share one source of chance.

    Args:
        specs: of a recipe, in its order.
        sample_rate: samples a second.
        classes: of the task, for targets that are mixed.
        share: which rows of each batch come; None where all do.
    """

    def __init__(self, specs: Sequence[Spec], sample_rate: int, *, classes: int, share: Share | None = None) -> None:
        self.classes = classes
        self.share = share or Share()
        made = [(spec.name, catalog.make("augments", spec, sample_rate)) for spec in specs]
        self.before: list[Any] = [effect for _, effect in made if _hears(effect)]
        self.behind: list[tuple[str, Any]] = [(name, effect) for name, effect in made if not _hears(effect)]

    def waves(self, batch: Batch, *, rng: torch.Generator, progress: float) -> Batch:
        """Clips as the front end gets them.

        Args:
            batch: clips as they were read.
            rng: source of chance.
            progress: share of training that is done.

        Returns:
            A batch of the same shapes; targets are [B, K] rows where clips may be mixed.
        """
        for effect in self.before:
            now = by_now(effect, progress)
            if effect.domain == "wave":
                wave, length = changed(now, batch.wave, batch.length, rng=rng, share=self.share)
                batch = Batch(wave, length, batch.target)
            else:
                batch = self._mixed(now, batch, rng)
        return batch

    def features(self, feature: Any, batch: Batch, *, rng: torch.Generator, progress: float) -> tuple[Any, Batch]:
        """Features as the model gets them.

        Args:
            feature: [B, F, N] feature or [B, C, H, W] picture; a dict of them for a model that needs several, each changed for itself.
            batch: whatever wave, [B] frames, and targets.
            rng: source of chance.
            progress: share of training that is done.

        Returns:
            The same shapes, and the batch with the frames and targets that are left.

        Raises:
            RequestError: an effect of pictures on no picture, or one that mixes features where there are several.
        """
        for name, effect in self.behind:
            now = by_now(effect, progress)
            if effect.domain == "batch":
                if isinstance(feature, dict):
                    raise RequestError(f'augment {name} mixes one feature, and the model needs {", ".join(feature)}; wanted on = "wave"')
                mixed = self._mixed(now, Batch(feature, batch.length, batch.target), rng)
                feature, batch = mixed.wave, Batch(batch.wave, mixed.length, mixed.target)
                continue
            members = feature if isinstance(feature, dict) else {"": feature}
            fitting = [key for key, each in members.items() if effect.domain == "feature" or each.ndim == 4]
            if not fitting:
                raise RequestError(
                    f"augment {name} changes pictures, and the front end makes a feature of {members[next(iter(members))].ndim} axes; "
                    f"wanted the front end picture"
                )
            for key in fitting:
                values = drawn(now, members[key].shape, rng=rng, share=self.share)
                members = members | {key: now.apply(members[key], values)}
            feature = members if isinstance(feature, dict) else members[""]
        return feature, batch

    def _mixed(self, effect: Any, batch: Batch, rng: torch.Generator) -> Batch:
        """Rows mixed with any of the whole batch."""
        target: Tensor = batch.target if batch.target.ndim > 1 else torch.nn.functional.one_hot(batch.target, self.classes).float()
        whole = Batch(*(self.share.whole(each) for each in (batch.wave, batch.length, target)))
        mixed = effect.apply(whole, effect.draw(rng, whole.wave.shape))
        return Batch(*(self.share.mine(each) for each in (mixed.wave, mixed.length, mixed.target)))


def _hears(effect: Any) -> bool:
    """Whether it works on waves."""
    return bool(effect.domain == "wave" or (effect.domain == "batch" and getattr(effect, "on", "wave") == "wave"))
