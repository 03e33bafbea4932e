"""Where a run stands: everything of the loop's state that is not a tensor."""

from __future__ import annotations

from dataclasses import dataclass, field

from auricle.types import Seconds


@dataclass(slots=True)
class Progress:
    """Counts, clocks and judgements of a run, as a checkpoint keeps them.

    Args:
        epoch: being trained, from 0.
        step: next step of it.
        total: steps of the whole run; 0 until it is known.
        spent: seconds of training so far, over all resumptions.
        loss_sum: sum of the losses of this epoch's steps.
        data_seconds: of this epoch, waited for batches.
        epoch_seconds: of this epoch.
        best: lowest development loss.
        stale: epochs since then.
        drops: how often a plateau lowered the rate.
        waited: epochs since the lowest development loss or the last drop.
        averaged: epochs in an even average.
        rows: of log.csv.
    """

    epoch: int = 0
    step: int = 0
    total: int = 0
    spent: Seconds = 0.0
    loss_sum: float = 0.0
    data_seconds: Seconds = 0.0
    epoch_seconds: Seconds = 0.0
    best: float = float("inf")
    stale: int = 0
    drops: int = 0
    waited: int = 0
    averaged: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)

    def stepped(self, loss: float, *, waited: Seconds, took: Seconds) -> None:
        """Count a step.

        Args:
            loss: of its batch.
            waited: for the batch.
            took: in all.
        """
        self.step += 1
        self.loss_sum += loss
        self.data_seconds += waited
        self.epoch_seconds += took
        self.spent += took

    def closed(self, row: dict[str, float]) -> None:
        """Begin the next epoch.

        Args:
            row: what log.csv tells of the one that is over, without its clocks.
        """
        self.rows.append(row | {"seconds": self.epoch_seconds, "data_seconds": self.data_seconds})
        self.epoch, self.step, self.loss_sum, self.data_seconds, self.epoch_seconds = self.epoch + 1, 0, 0.0, 0.0, 0.0

    def judged(self, loss: float, *, patience: float) -> bool:
        """Compare the development loss with the lowest so far.

        Args:
            loss: after this epoch.
            patience: epochs without improvement after which a plateau lowers the rate; infinite where none does.

        Returns:
            Whether none was lower.
        """
        if loss < self.best:
            self.best, self.stale, self.waited = loss, 0, 0
            return True
        self.stale, self.waited = self.stale + 1, self.waited + 1
        if self.waited > patience:
            self.drops, self.waited = self.drops + 1, 0
        return False
