"""Trains as a test asks; started by itself, or as one of several processes by torchrun."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from tests.tones import TINY

from auricle import recipe as recipes
from auricle.learning import checkpoint, experiment
from auricle.learning.devices import leave
from auricle.learning.loop import Training
from auricle.learning.progress import Progress
from auricle.types import Batch


def _doubled(ready: experiment.Prepared) -> Training:
    """A run in double precision, in which rounding can't be taken for anything else."""
    build, waves = experiment.build, experiment._some_waves
    with (
        mock.patch.object(experiment, "build", lambda recipe, task: build(recipe, task).double()),
        mock.patch.object(experiment, "_some_waves", lambda *given: ((wave.double(), length) for wave, length in waves(*given))),
    ):
        training = experiment.training(ready)
    moved = training._moved

    def doubled(batch: Batch) -> Batch:
        there = moved(batch)
        return Batch(there.wave.double(), there.length, there.target)

    training._moved = doubled  # type: ignore[method-assign]
    return training


def trained(
    data: Path, folder: Path, tree: dict[str, Any], *, stop: int = 0, double: bool = False
) -> tuple[list[float], dict[str, torch.Tensor]]:
    """The loss of each step, and the weights in the end.

    Args:
        data: corpus.
        folder: of the run.
        tree: sections that differ from the tiny recipe's.
        stop: steps after which the last process is interrupted; 0 never.
        double: whether in double precision.
    """
    torch.set_num_threads(1)
    sections = {key: value if isinstance(value, list) else {**TINY.get(key, {}), **value} for key, value in tree.items()}
    recipe = recipes.parse({**TINY, **sections})
    ready = experiment.prepare(str(data), recipe, bar=lambda title, total: lambda: None)
    training = _doubled(ready) if double else experiment.training(ready)
    if checkpoint.found(folder):
        training.restore(folder)
    losses: list[float] = []

    def report(at: Progress, loss: float) -> None:
        losses.append(loss)
        if len(losses) == stop and training.fabric.global_rank == training.fabric.world_size - 1:
            signal.raise_signal(signal.SIGTERM)

    try:
        pipe = training.run(folder, report)
    except KeyboardInterrupt:
        return losses, {}
    return losses, pipe.state_dict()


if __name__ == "__main__":
    corpus, out = Path(sys.argv[1]), Path(sys.argv[2])
    for name, (each, after) in json.loads(sys.argv[3]).items():
        made = trained(corpus, out / name / "checkpoints", each, stop=after, double=not after)
        if torch.distributed.get_rank() == 0:
            torch.save(made, out / name / "two.pt")
    if torch.distributed.get_rank():
        leave()
