"""Checkpoints that survive anything: written beside, synced, renamed; the previous one kept; checked when read; never a pickle.

A checkpoint is one safetensors file, its checksum behind it, whose metadata holds the loop's plain values as JSON. A crash between any two
instructions leaves a whole checkpoint: the new one under its name, or the previous one under its own.
"""

from __future__ import annotations

import json
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.optim import Optimizer

from auricle.errors import BundleError

NEWEST, PREVIOUS = "newest.safetensors", "previous.safetensors"


def write(folder: Path, tensors: dict[str, Tensor], values: dict[str, Any]) -> None:
    """Write a checkpoint; what was newest becomes the previous one.

    Args:
        folder: of the checkpoints.
        tensors: [...] by name.
        values: plain JSON values.

    Raises:
        OSError: the disk is full or can't be written; the checkpoints that were there still are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    newest, previous = folder / NEWEST, folder / PREVIOUS
    blob = save({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, {"values": json.dumps(values)})
    part = folder / (NEWEST + ".part")
    try:
        with part.open("wb") as file:
            file.write(blob)
            file.write(zlib.crc32(blob).to_bytes(4, "little"))
            file.flush()
            os.fsync(file.fileno())
        # A damaged one never takes the place of a whole one.
        if newest.is_file() and _whole(newest):
            newest.replace(previous)
        part.replace(newest)
        _sync(folder)
    finally:
        part.unlink(missing_ok=True)


def found(folder: Path) -> bool:
    """Whether any checkpoint is there, whole or not."""
    return any((folder / name).is_file() for name in (NEWEST, PREVIOUS))


def clear(folder: Path) -> None:
    """Take away the checkpoints of an earlier run.

    Args:
        folder: of the checkpoints; need not be there.
    """
    for name in (NEWEST, PREVIOUS):
        (folder / name).unlink(missing_ok=True)


def read(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The newest checkpoint that is whole.

    Args:
        folder: of the checkpoints.

    Returns:
        Tensors by name, and the plain values.

    Raises:
        BundleError: there is none, or none is whole.
    """
    damage = []
    for name in (NEWEST, PREVIOUS):
        if (folder / name).is_file():
            try:
                return _open(folder / name)
            except (SafetensorError, ValueError, KeyError, OSError) as wrong:
                damage.append(f"{name} is damaged ({wrong})")
    raise BundleError(f"{folder} holds no checkpoint to resume from" + "".join(f"; {d}" for d in damage))


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """An optimizer's state as named tensors.

    Args:
        optimizer: whose state holds tensors only, as AdamW's does.

    Returns:
        [...] under `<parameter number>.<name>`.
    """
    return {f"{i}.{k}": v for i, state in optimizer.state_dict()["state"].items() for k, v in state.items()}


def restore_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` gave, each tensor laid out in memory as its parameter is.

    Args:
        optimizer: over the same parameters.
        tensors: [...] under `<parameter number>.<name>`.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, _, key = name.partition(".")
        like = parameters[int(number)]
        laid_out = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
        state.setdefault(int(number), {})[key] = laid_out.detach()
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors under a prefix, without it.

    Args:
        tensors: [...] by name.
        prefix: such as "pipe.".

    Returns:
        [...] by the rest of the name.
    """
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _open(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    blob = _checked(path.read_bytes())
    header = json.loads(blob[8 : 8 + int.from_bytes(blob[:8], "little")])
    values: dict[str, Any] = json.loads(header["__metadata__"]["values"])
    return load(blob), values


def _checked(content: bytes) -> bytes:
    blob, check = content[:-4], content[-4:]
    if not blob or zlib.crc32(blob).to_bytes(4, "little") != check:
        raise ValueError("its checksum does not match")
    return blob


def _whole(path: Path) -> bool:
    try:
        _checked(path.read_bytes())
    except (ValueError, OSError):
        return False
    return True


def _sync(folder: Path) -> None:
    """Make the renames themselves outlast a power cut, where the system can sync folders."""
    with suppress(OSError, AttributeError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
