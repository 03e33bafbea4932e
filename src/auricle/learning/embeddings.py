"""What a frozen network makes of clips, computed once a clip and kept on disk.

An entry is named by what it depends on and nothing else: the sound itself as it was decoded, and the weights and settings of everything
between wave and embedding. A changed file, rate, channel rule or network is another name, so nothing is ever stale. Entries appear whole
or not at all; they may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from auricle.audio.window import passages
from auricle.datasets._cache import cache
from auricle.feed import Feed
from auricle.pipe import Pipe
from auricle.types import Item

Rows = NDArray[np.float32]

_FORMAT = 1  # of an entry, and of how it is computed


@torch.no_grad()
def embeddings(pipe: Pipe, feed: Feed, items: Sequence[Item], tick: Callable[[], object] | None = None) -> list[Rows]:
    """What the last layer of the head hears of each clip.

    Args:
        pipe: is put into evaluation mode and left in it.
        feed: reads the items.
        items: clips.
        tick: called after each clip, to move a progress bar.

    Returns:
        [P, E] for each clip, a row for each of its passages.
    """
    pipe.eval()
    folder = cache("embeddings") / fingerprint(pipe, feed)
    found = []
    for item in items:
        wave = np.ascontiguousarray(feed.wave(item), dtype=np.float32)
        name = hashlib.sha256(wave.tobytes()).hexdigest()
        path = folder / name[:2] / f"{name}.npy"
        rows = _kept(path)
        if rows is None:
            rows = _computed(pipe, feed, wave)
            _keep(path, rows)
        found.append(rows)
        if tick:
            tick()
    return found


def weights(pipe: Pipe, feed: Feed, items: Sequence[Item]) -> list[NDArray[np.float64]]:
    """The share of each passage in its clip.

    Args:
        pipe: says how long a clip it hears.
        feed: reads the items.
        items: clips.

    Returns:
        [P] for each clip, which sum to 1.
    """
    waves = (len(feed.wave(item)) for item in items)
    spans = [np.array([b - a for a, b in passages(total, feed.row, longest=pipe.max_samples)], dtype=np.float64) for total in waves]
    return [span / span.sum() for span in spans]


def fingerprint(pipe: Pipe, feed: Feed) -> str:
    """32 hex digits of everything but the clip that an embedding depends on.

    Args:
        pipe: front end, model, and the head up to its last layer.
        feed: with its recipe.

    Returns:
        The digits.
    """
    tree = feed.recipe.tree()
    settings = {key: tree[key] for key in ("sample_rate", "frontend", "model", "head")}
    digest = hashlib.sha256(json.dumps([_FORMAT, settings, feed.row, feed.recipe.feed.min_seconds], sort_keys=True).encode())
    for name, value in sorted(pipe.state_dict().items()):
        if not name.startswith("head.linear."):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:32]


def _computed(pipe: Pipe, feed: Feed, wave: Rows) -> Rows:
    device = next(chain(pipe.parameters(), pipe.buffers())).device
    least = max(pipe.min_samples, round(feed.recipe.feed.min_seconds * feed.recipe.sample_rate))
    rows = []
    for a, b in passages(len(wave), feed.row, longest=pipe.max_samples):
        piece = np.pad(wave[a:b], (0, max(0, least - (b - a))))
        hidden, steps = pipe.hidden(torch.from_numpy(piece)[None].to(device), torch.tensor([len(piece)], device=device))
        rows.append(pipe.head.embedding(hidden, steps)[0].cpu().numpy())
    return np.stack(rows)


def _kept(path: Path) -> Rows | None:
    """An entry, or None where there is none or it is damaged."""
    try:
        rows: Rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return rows if rows.ndim == 2 and rows.dtype == np.float32 else None


def _keep(path: Path, rows: Rows) -> None:
    """Write an entry; a cache that can't be written only costs time."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.save(file, rows)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
