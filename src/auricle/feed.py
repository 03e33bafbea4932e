"""Items to batches: reading ahead, cropping, padding, and one source of chance that depends only on seed, epoch and place.

Every draw comes from a generator seeded by (seed, epoch, what for), never from a running state: a run that was interrupted needs only its
epoch and step to go on exactly as if it had not been.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from auricle import catalog
from auricle.audio.waveform import waveform
from auricle.audio.window import fit
from auricle.augments._stage import by_now, changed, divided
from auricle.errors import AuricleError
from auricle.processes import portion
from auricle.recipe import Recipe
from auricle.sampler import order
from auricle.types import Batch, Item, Skipped, Task

Wave = NDArray[np.float32]

_AHEAD = 3  # batches being made while one is trained on


def rng(*key: object) -> torch.Generator:
    """A generator that depends on the key alone.

    Args:
        *key: numbers and words, such as seed, epoch and purpose.

    Returns:
        A CPU generator of its own.
    """
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a first pass over the files found.

    Args:
        usable: items that could be read.
        skipped: the others, and why.
        warnings: what was repaired while reading, one sentence each.
    """

    usable: tuple[Item, ...]
    skipped: tuple[Skipped, ...]
    warnings: tuple[str, ...]


class Feed:
    """Waves and targets of a set of items.

    Args:
        task: labels and kind.
        recipe: sample rate, feed settings, seed.
    """

    def __init__(self, task: Task, recipe: Recipe) -> None:
        self.task = task
        self.settle(recipe)
        self._budget = int(recipe.feed.cache_gb * 2**30)
        self._kept: dict[Item, Wave] = {}
        self._index = {label: i for i, label in enumerate(task.labels)}
        self._told: dict[Item, Tensor] = {}
        self.taught: Callable[[Wave], Tensor] | None = None  # what teachers say of a clip, [K], to stand beside its target

    def settle(self, recipe: Recipe) -> None:
        """Follow this recipe from now on; only what does not change how files are read may differ from the one before.

        Args:
            recipe: with the length of a row settled.
        """
        self.recipe = recipe
        self.row = round(recipe.feed.seconds * recipe.sample_rate)
        self._effects: list[Any] | None = None

    def survey(self, items: Sequence[Item], tick: Callable[[], object] | None = None) -> Survey:
        """Read every item once, keeping what fits into memory.

        Args:
            items: what to read.
            tick: called after each item, to move a progress bar.

        Returns:
            What can be used and what cannot.
        """
        usable: list[Item] = []
        skipped: list[Skipped] = []
        warnings: list[str] = []
        with ThreadPoolExecutor(self.recipe.train.workers or 1) as pool:
            for item, read in zip(items, pool.map(self._read, items), strict=True):
                if isinstance(read, AuricleError):
                    skipped.append(Skipped(item.path, str(read)))
                else:
                    wave, said = read
                    usable.append(item)
                    warnings.extend(said)
                    self._keep(item, wave)
                if tick:
                    tick()
        return Survey(tuple(usable), tuple(skipped), tuple(warnings))

    def wave(self, item: Item) -> Wave:
        """The item's whole sound.

        Args:
            item: a usable item.

        Returns:
            [T] samples, mono, at the recipe's sample rate.

        Raises:
            AudioError: the file has become unreadable since the survey.
        """
        if item in self._kept:
            return self._kept[item]
        read = self._read(item)
        if isinstance(read, AuricleError):
            raise read
        return read[0]

    def targets(self, items: Sequence[Item]) -> Tensor:
        """Targets as the loss wants them.

        Args:
            items: labelled items.

        Returns:
            [B] class indices for a `single` task, [B, K] shares that sum to 1 for a `distribution`, multi-hot rows for others.
        """
        if self.task.kind == "single":
            return torch.tensor([self._index[item.target[0]] for item in items])
        rows = torch.zeros(len(items), len(self.task.labels))
        for row, item in enumerate(items if self.task.labels else ()):  # where waves are restored, labels mean nothing
            for label, votes in zip(item.target, item.votes or (1.0,) * len(item.target), strict=True):
                rows[row, self._index[label]] = votes
        return rows / rows.sum(1, keepdim=True) if self.task.kind == "distribution" else rows

    def order(self, items: Sequence[Item], epoch: int) -> list[int]:
        """The order in which an epoch visits the items.

        Args:
            items: training items.
            epoch: from 0.

        Returns:
            As many positions as items, as the recipe's sampler draws them.
        """
        return order(items, self.recipe.train.sampler, rng(self.recipe.seed, epoch, "order"))

    def batches(
        self, items: Sequence[Item], epoch: int, *, first: int = 0, rank: int = 0, ranks: int = 1, steps: int = 0
    ) -> Iterator[Batch]:
        """One epoch's training batches, made ahead by threads.

        Args:
            items: training items.
            epoch: from 0.
            first: step to begin at; the steps before it are left out at no cost.
            rank: which process this is; it gets its share of each batch.
            ranks: processes.
            steps: of the epoch; 0 takes what the items make. Where they make fewer, they come again.

        Yields:
            Rows of `feed.seconds`, random crops of longer clips; shorter clips as `feed.short` says. What the recipe's augmentations do
            outside of the device is done: to each row by itself, whatever the batch and the number of processes.
        """
        visits = self.order(items, epoch)
        size = self.recipe.train.batch
        steps = steps or self.steps(items)
        share = portion(size, rank, ranks)
        if self._effects is None:
            self._effects = [catalog.make("augments", spec, self.recipe.sample_rate) for spec in divided(self.recipe.augment)[0]]
        with ThreadPoolExecutor(max(1, self.recipe.train.workers)) as pool:
            waiting: deque[Future[Batch]] = deque()
            for step in range(first, steps):
                places = [(i, visits[i % len(visits)]) for i in (step * size + row for row in share)]
                progress = (epoch + step / steps) / max(1, self.recipe.train.epochs)
                effects = [by_now(effect, progress) for effect in self._effects]
                waiting.append(pool.submit(self._batch, items, places, epoch, effects))
                if len(waiting) >= _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def steps(self, items: Sequence[Item]) -> int:
        """Batches in an epoch, all of one size: a last partial batch is left out, other clips each epoch."""
        return max(1, len(items) // self.recipe.train.batch)

    def _batch(self, items: Sequence[Item], places: Sequence[tuple[int, int]], epoch: int, effects: Sequence[Any]) -> Batch:
        rows = np.zeros((len(places), self.row), np.float32)
        lengths = []
        for row, (place, index) in enumerate(places):
            wave = self._crop(self.wave(items[index]), epoch, place)
            lengths.append(self.row if self.recipe.feed.short == "tile" else wave.shape[0])
            rows[row] = fit(wave, self.row, self.recipe.feed.short)
        chosen = [items[index] for _, index in places]
        batch = Batch(torch.from_numpy(rows), torch.tensor(lengths), self._learnt(chosen))
        for row, (place, _) in enumerate(places if effects else ()):
            chance = rng(self.recipe.seed, epoch, "augment", place)
            heard, length = batch.wave[row : row + 1], batch.length[row : row + 1]
            for effect in effects:
                heard, length = changed(effect, heard, length, rng=chance)
            batch.wave[row], batch.length[row] = heard[0], length[0]
        return batch

    def _learnt(self, items: Sequence[Item]) -> Tensor:
        """[B] or [B, K] targets, or where teachers speak [B, 2 K]: rows of the labels, and beside them what the teachers say."""
        target = self.targets(items)
        if self.taught is None:
            return target
        rows = target if target.ndim > 1 else torch.nn.functional.one_hot(target, len(self.task.labels)).float()
        for item in items:
            if item not in self._told:
                self._told[item] = self.taught(self.wave(item))
        return torch.cat([rows, torch.stack([self._told[item] for item in items])], 1)

    def _crop(self, wave: Wave, epoch: int, place: int) -> Wave:
        spare = wave.shape[0] - self.row
        if spare <= 0:
            return wave
        start = int(torch.randint(spare + 1, (1,), generator=rng(self.recipe.seed, epoch, "crop", place)))
        return wave[start : start + self.row]

    def _read(self, item: Item) -> tuple[Wave, tuple[str, ...]] | AuricleError:
        feed = self.recipe.feed
        try:
            return waveform(item.path, sample_rate=self.recipe.sample_rate, channels=feed.channels, start=item.start, stop=item.stop)
        except AuricleError as wrong:
            return wrong

    def _keep(self, item: Item, wave: Wave) -> None:
        if wave.nbytes <= self._budget:
            self._budget -= wave.nbytes
            self._kept[item] = wave
