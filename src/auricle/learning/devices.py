"""The devices that a recipe asks for or a launcher gave, each a process, and what needs one alone."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Literal, NoReturn

import torch
import torch.distributed as dist
from lightning_fabric import Fabric

from auricle.errors import RequestError
from auricle.processes import launched
from auricle.recipe import Recipe
from auricle.settings import Train

_FAREWELL = 0.5  # seconds in which the others hear the last of it


def fabric(recipe: Recipe) -> Fabric:
    """Processes that know each other: those of torchrun where it started this one, else as many as the recipe asks for.

    Args:
        recipe: its `train` names device, devices and precision.

    Returns:
        The engine, launched.

    Raises:
        RequestError: they can't share a batch.
    """
    settings = recipe.train
    count = processes(settings)
    here = int(os.environ["LOCAL_WORLD_SIZE"]) if dist.is_torchelastic_launched() else count
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces its precision; environment.json tells it
    made = Fabric(accelerator=settings.device, devices=here, num_nodes=count // here, precision=precision(recipe))
    made.launch()
    return made


def leave() -> NoReturn:
    """End a process that does not lead, without the interpreter's own end.

    After the last collective a thread of gloo still lets go of its tensors, for which it needs the interpreter's lock. An interpreter that
    ends meanwhile makes it abort the process, and destroying the group waits for that thread while it holds the lock.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    time.sleep(_FAREWELL)
    os._exit(0)


def precision(recipe: Recipe) -> Literal["32-true", "bf16-mixed"]:
    """What products are computed in while training: as the recipe says, or what the device is best at.

    Args:
        recipe: its `train` names device and precision.

    Returns:
        "bf16-mixed" for "auto" on a device with instructions for bfloat16; without them it would be slower than single precision. Always
        "32-true" for a denoiser, whose spectra span more than bfloat16's three digits, and for a probe, which is fitted, not trained,
        unless its network follows a teacher first.
    """
    settings = recipe.train
    if recipe.restores or (recipe.transfer.probe and not recipe.transfer.passes):
        return "32-true"
    if settings.precision != "auto":
        return settings.precision
    if settings.device in ("auto", "cuda") and torch.cuda.is_available():
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    elif settings.device == "mps" or (settings.device == "auto" and torch.backends.mps.is_available()):
        native = False
    else:
        able: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # an older torch doesn't tell
        native = bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return "bf16-mixed" if native else "32-true"


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
