"""The devices that a recipe asks for or a launcher gave, each a process, and what needs one alone."""

from __future__ import annotations

import os

import torch.distributed as dist
from lightning_fabric import Fabric

from auricle.errors import RequestError
from auricle.processes import launched
from auricle.settings import Train


def fabric(settings: Train) -> Fabric:
    """Processes that know each other: those of torchrun where it started this one, else as many as the recipe asks for.

    Args:
        settings: device, devices and precision.

    Returns:
        The engine, launched.

    Raises:
        RequestError: they can't share a batch.
    """
    count = processes(settings)
    here = int(os.environ["LOCAL_WORLD_SIZE"]) if dist.is_torchelastic_launched() else count
    made = Fabric(accelerator=settings.device, devices=here, num_nodes=count // here, precision=settings.precision)
    made.launch()
    return made


def processes(settings: Train) -> int:
    """How many share each batch.

    Args:
        settings: of the recipe.

    Returns:
        The launcher's number where there is a launcher, else the recipe's.

    Raises:
        RequestError: the two don't agree, or a batch has fewer rows.
    """
    count = launched() if dist.is_torchelastic_launched() else settings.devices
    if settings.devices not in (1, count):
        raise RequestError(f"train.devices is {settings.devices}, and the launcher started {count} processes; wanted train.devices=1")
    if settings.batch < count:
        raise RequestError(f"train.batch is {settings.batch}, which {count} processes can't share; wanted at least a row for each")
    return count


def alone(settings: Train, what: str) -> None:
    """Refuse what is done by one process.

    Args:
        settings: of the recipe.
        what: begins a sentence, such as "a time budget".

    Raises:
        RequestError: there are several, or will be.
    """
    count = max(processes(settings), launched())
    if count > 1:
        raise RequestError(f"{what} needs one process, and there would be {count}", hint="without a launcher, and --set train.devices=1")
