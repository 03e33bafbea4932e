"""The training loop: epoch, batch, forward, loss, step; judge on the development group; keep; log. One file, read from top to bottom.

Nothing here draws from a running random state: each step seeds its own chance from (seed, epoch, step), so a run resumed from any
checkpoint ends, on the same machine with as many threads, with the same weights to the last bit; unless a time budget decides how
many steps there are.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from auricle.errors import AuricleError, BundleError, RequestError
from auricle.feed import Feed, rng
from auricle.learning import checkpoint
from auricle.learning.average import Average
from auricle.learning.depthwise import single
from auricle.learning.devices import alone, fabric
from auricle.learning.interruption import interruptible
from auricle.learning.norms import SlowNorms
from auricle.learning.objective import Objective, Rows
from auricle.learning.optimizer import optimizer, uphill
from auricle.learning.plan import Plan
from auricle.learning.progress import Progress
from auricle.learning.restoring import Restoring
from auricle.learning.schedule import rate
from auricle.learning.teacher import Panel
from auricle.pipe import Pipe
from auricle.recipe import Recipe
from auricle.share import Share
from auricle.types import Batch, Item, Seconds

_PACE_STEPS = 12  # steps whose speed tells how many fit into a time budget


class Training:
    """A run in memory: the pipe, its averaged weights, the optimizer, and where it stands.

    Args:
        pipe: to be trained.
        feed: surveyed, over both sets.
        train: items to fit.
        dev: items to judge by; may be empty.
        budget: seconds to fit the run into, or 0.
        plan: which parameters learn from when on, and how fast; without one all that take a gradient do, alike. Layers of nothing but
            parameters that don't learn stay in evaluation mode.
        panel: teachers, heard online or asked once a clip as the recipe says.
        other: clips of the target domain.
    """

    def __init__(
        self,
        pipe: Pipe,
        feed: Feed,
        train: tuple[Item, ...],
        dev: tuple[Item, ...],
        budget: Seconds = 0.0,
        *,
        plan: Plan | None = None,
        panel: Panel | None = None,
        other: tuple[Item, ...] = (),
    ) -> None:
        self.recipe: Recipe = feed.recipe
        self.feed, self.train, self.dev, self.budget = feed, train, dev, budget
        settings = self.recipe.train
        if budget:
            alone(settings, "a time budget")
        if settings.schedule == "plateau" and not dev:
            raise RequestError('train.schedule is "plateau", which follows a development group, and split.dev_fraction leaves none')
        self.plan = plan or Plan()
        if self.plan.late:
            alone(settings, "transfer.unfreeze_epochs")
        self.fabric = fabric(self.recipe)
        self.ranks = {"rank": self.fabric.global_rank, "ranks": self.fabric.world_size}
        self.share = Share(**self.ranks, rows=settings.batch)
        pipe.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        online = panel if self.recipe.transfer.teaching == "online" else None
        self.objective: Any = (
            Restoring(pipe, self.recipe)
            if self.recipe.restores
            else Objective(pipe, self.recipe, feed.task, counts=_counts(feed, train), panel=online, share=self.share)
        )
        if panel and not online:
            feed.taught = partial(panel.clip, row=feed.row, soften=self.objective.loss.soften)
        self.other = other
        self.optimizer = optimizer(self.objective, settings, self.plan.paces, self.plan.late)
        self.module, self.fast = self.fabric.setup(self.objective, self.optimizer)
        self._norms = SlowNorms(pipe)
        self._settling: list[Any] = [part for part in pipe.modules() if hasattr(part, "settle")]
        self.average = Average(self.objective.pipe)
        self.best: dict[str, Tensor] = {}
        self.at = Progress()
        self.steps = feed.steps(train)
        self.unsaved = ""  # why the last checkpoint could not be written, or ""
        self._identity = _identity(self.recipe, train, dev, other)

    @property
    def leads(self) -> bool:
        """Whether this process is the only one, or the first of several: the one that writes."""
        return bool(self.fabric.global_rank == 0)

    def run(self, folder: Path, report: Callable[[Progress, float], None]) -> Pipe:
        """Train to the end.

        Args:
            folder: for checkpoints.
            report: called after each step with the progress and the loss.

        Returns:
            The pipe to keep: averaged weights where the recipe averages, the best epoch's where it may stop early.

        Raises:
            KeyboardInterrupt: after a checkpoint was written.
            AuricleError: the loss is no longer a number.
            OSError: not even the first checkpoint can be written.
        """
        at, settings = self.at, self.recipe.train
        if not at.total and not self.budget:
            at.total = settings.epochs * self.steps
        if self.leads and not checkpoint.found(folder):
            checkpoint.write(folder, *self._state())
        saved = time.monotonic()
        with interruptible() as asked, single(self.objective):
            while not self._finished():
                stopped = self._epoch_part(report, saved + 60 * settings.checkpoint_minutes, asked)
                if at.step == self.steps or (at.step and self._finished()):
                    self._close_epoch()
                if stopped or time.monotonic() > saved + 60 * settings.checkpoint_minutes or self._finished():
                    self.save(folder)
                    saved = time.monotonic()
                if stopped:
                    raise KeyboardInterrupt
        kept = self._judged
        if self.best:
            kept.load_state_dict(self.best)
        return kept.cpu().eval()

    def _epoch_part(self, report: Callable[[Progress, float], None], until: Seconds, asked: threading.Event) -> bool:
        """Steps of one epoch, up to its end, to the time of the next checkpoint, or to an interruption: whether it was one."""
        at = self.at
        self.module.train()
        self.plan.begin(self.objective, at.epoch)
        batches = self.feed.batches(self.train, at.epoch, first=at.step, **self.ranks)
        before = time.monotonic()
        for batch, other in zip(batches, self._unlabelled(), strict=False):
            waited = time.monotonic() - before
            loss = self._step(batch, other)
            at.stepped(loss, waited=waited, took=time.monotonic() - before)
            before = time.monotonic()
            self._pace()
            report(at, loss)
            # One process that is asked to stop stops all of them after the same step.
            stopped = self.share.agreed(asked.is_set(), self.fabric.device)
            if stopped or self._finished() or time.monotonic() > until:
                return stopped
        return False

    def _unlabelled(self) -> Iterator[Batch | None]:
        """As many batches of the target domain as there are others, or as many times None."""
        if not self.other:
            return repeat(None)
        return self.feed.batches(self.other, self.at.epoch, first=self.at.step, steps=self.steps, **self.ranks)

    def _step(self, batch: Batch, other: Batch | None = None) -> float:
        at, settings = self.at, self.recipe.train
        done = at.epoch * self.steps + at.step
        key = (self.recipe.seed, at.epoch, at.step, 0)  # the same in every process: all draw for the whole batch
        total = at.total or settings.epochs * self.steps
        self._norms.fit(total)
        lr = rate(settings, done, total=total, steps=self.steps, drops=at.drops)
        for group in self.optimizer.param_groups:
            group["lr"] = lr * group["pace"]
        here, there = self._moved(batch), other and self._moved(other)
        value = self._backward(here, there, key, done / total)
        if settings.sam_rho:
            with uphill(self.objective, settings.sam_rho):
                self._backward(here, there, key, done / total)
        if settings.clip_norm:
            self.fabric.clip_gradients(self.module, self.fast, max_norm=settings.clip_norm, error_if_nonfinite=False)
        self.fast.step()
        self.fast.zero_grad()
        for part in self._settling:
            part.settle()  # such as learnt places, brought back to the kernel's edge
        if settings.ema and not settings.swa:
            self.average.after_step(done, decay=settings.ema)
        return value

    def _moved(self, batch: Batch) -> Batch:
        return Batch(*(self.fabric.to_device(t) for t in (batch.wave, batch.length, batch.target)))

    def _backward(self, batch: Batch, other: Batch | None, key: tuple[int, ...], progress: float) -> float:
        """Gradients of one pass, and its loss; the same key draws the same."""
        torch.manual_seed(rng(*key, "dropout").initial_seed())
        loss: Tensor = self.module(Rows(batch, rng(*key, "augment"), progress, other))
        if not math.isfinite(value := float(loss.detach())):
            raise AuricleError(
                f"the loss is {value} at step {self.at.step} of epoch {self.at.epoch}; wanted a number",
                hint="a lower train.lr, or train.clip_norm",
            )
        self.fabric.backward(loss)
        return value

    @property
    def _judged(self) -> Pipe:
        settings = self.recipe.train
        return self.average.pipe if settings.ema or settings.swa else self.objective.pipe

    def _pace(self) -> None:
        """With a time budget: settle how many steps fit, once their speed is known, and anew after each epoch and its judgement."""
        at = self.at
        done = at.epoch * self.steps + at.step
        if self.budget and (done == _PACE_STEPS or (done > _PACE_STEPS and not at.step)):
            fitting = int(self.budget / at.spent * done)
            at.total = max(done, min(self.recipe.train.epochs * self.steps, fitting))

    def _close_epoch(self) -> None:
        at, settings = self.at, self.recipe.train
        steps = max(1, at.step)
        row = {"epoch": float(at.epoch), "lr": self.optimizer.param_groups[0]["lr"], "train_loss": at.loss_sum / steps}
        if settings.swa:
            # Until its time has come, the average is the weights themselves.
            at.averaged += (at.epoch + 1) * self.steps > settings.swa * (at.total or settings.epochs * self.steps)
            self.average.after_epoch(at.averaged)
        if self.dev:
            before = time.monotonic()
            judgement = self.objective.judged(self._judged, self.feed, self.dev)
            at.spent += time.monotonic() - before
            row |= self.fabric.broadcast(judgement)
            plateau = settings.decay_epochs if settings.schedule == "plateau" else math.inf
            if at.judged(row["dev_loss"], patience=plateau) and settings.patience:
                self.best = {k: v.detach().clone() for k, v in self._judged.state_dict().items()}
        whole = at.step == self.steps
        at.closed(row)
        if whole:
            self._pace()

    def _finished(self) -> bool:
        at, settings = self.at, self.recipe.train
        stale = bool(settings.patience) and bool(self.dev) and at.stale >= settings.patience
        done = at.epoch * self.steps + at.step
        return stale or done >= (at.total or settings.epochs * self.steps) or bool(self.budget and at.spent > 1.1 * self.budget)

    def save(self, folder: Path) -> None:
        """Write a checkpoint; a full disk only costs the checkpoint: the ones before stay, `unsaved` says why, training goes on.

        Args:
            folder: for checkpoints.
        """
        if not self.leads:
            return
        try:
            checkpoint.write(folder, *self._state())
            self.unsaved = ""
        except OSError as wrong:
            self.unsaved = f"no checkpoint could be written to {folder}: {wrong.strerror}"

    def _state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        tensors = {f"pipe.{k}": v for k, v in self.objective.pipe.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.pipe.state_dict().items()}
        tensors |= {f"loss.{k}": v for k, v in self.objective.loss.state_dict().items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()}
        tensors |= {f"optimizer.{k}": v for k, v in checkpoint.optimizer_tensors(self.optimizer).items()}
        return tensors, {"progress": asdict(self.at), "identity": self._identity}

    def restore(self, folder: Path) -> None:
        """Stand where the newest whole checkpoint stood.

        Args:
            folder: of the checkpoints.

        Raises:
            BundleError: no checkpoint there is whole, or it belongs to another recipe or other clips.
        """
        tensors, values = checkpoint.read(folder)
        if values["identity"] != self._identity:
            raise BundleError(f"{folder} was written by another recipe or over other clips than are there now; it can't be gone on from")
        self.objective.pipe.load_state_dict(checkpoint.part(tensors, "pipe."))
        self.average.pipe.load_state_dict(checkpoint.part(tensors, "average."))
        self.objective.loss.load_state_dict(checkpoint.part(tensors, "loss."))
        self.best = checkpoint.part(tensors, "best.")
        checkpoint.restore_optimizer(self.optimizer, checkpoint.part(tensors, "optimizer."))
        self.at = Progress(**values["progress"])


def _identity(recipe: Recipe, *parts: tuple[Item, ...]) -> str:
    """What a checkpoint must agree on to be gone on from: the recipe and the clips in their order, wherever the corpus lies."""
    clips = [[(c.path.name, c.target, c.start, c.stop, *c.votes) for c in part] for part in parts if part]
    return f"{recipe.identity}-{hashlib.sha256(repr(clips).encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def _counts(feed: Feed, items: tuple[Item, ...]) -> Tensor:
    """Training clips of each class."""
    target = feed.targets(items)
    rows = target if target.ndim > 1 else torch.nn.functional.one_hot(target, len(feed.task.labels))
    return rows.float().sum(0)
