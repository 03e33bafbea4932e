"""A folder of recordings held in memory, for effects that take their sound from one."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from auricle.audio.waveform import waveform
from auricle.errors import AudioError, RequestError
from auricle.types import Seconds

LOUD_ENOUGH = 1e-8  # mean power below which a recording is silence


def recordings(folder: str, sample_rate: int, *, augment: str, longest: Seconds | None = None) -> list[Tensor]:
    """Every recording of a folder and of those in it, in the order of their paths.

    Args:
        folder: path; ~ is the home folder.
        sample_rate: samples a second wanted.
        augment: whose folder it is, for errors.
        longest: of all together; each file gives at most its share, from its beginning. None reads every file whole.

    Returns:
        [T] samples each, none silent.

    Raises:
        RequestError: it is no folder, or holds nothing that can be used.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise RequestError(f"augment {augment}: folder {root} is not a folder of recordings")
    files = sorted(p for p in root.rglob("*") if p.is_file() and not p.name.startswith("."))
    stop = None if longest is None or not files else max(1.0, longest / len(files))
    found = []
    for path in files:
        try:
            samples, _ = waveform(path, sample_rate=sample_rate, stop=stop)
        except AudioError:
            continue
        if samples.size and float((samples**2).mean()) > LOUD_ENOUGH:
            found.append(torch.from_numpy(samples.copy()))
    if not found:
        raise RequestError(f"augment {augment}: {root} holds no recording that can be read and is not silent")
    return found
