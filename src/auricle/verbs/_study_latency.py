"""How long exported networks take for one and the same clip, measured in turns so that a busy machine is busy for all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from auricle.audio.mono import Channels
from auricle.audio.waveform import waveform
from auricle.types import Seconds

Clip = tuple[str, str, str, str, str]

_DRAWN = 49  # clips that the median length is taken from
_TURNS = 15


def latencies(files: list[Path], clips: Sequence[Clip]) -> tuple[dict[Path, float], Seconds]:
    """Time for one clip, on one thread.

    Args:
        files: exported networks.
        clips: path, start, stop and more of each; the one of median length, of some that are drawn evenly, is heard.

    Returns:
        Median milliseconds of each file, and the clip's length.
    """
    from auricle.exporters.onnx import Onnx
    from auricle.runtime import pieces

    drawn = clips[:: -(-len(clips) // _DRAWN)]
    lengths = {clip: len(_wave(clip, 16_000, "mean")) / 16_000 for clip in drawn}
    clip = sorted(lengths, key=lambda clip: (lengths[clip], clip))[len(lengths) // 2]
    heard = {}
    for file in files:
        runner = Onnx().open(file, threads=1)
        facts = runner.facts
        wave = _wave(clip, facts.sample_rate, facts.channels)
        row = max(facts.min_samples, round(facts.seconds * facts.sample_rate))
        heard[file] = (runner, list(pieces([wave], row, longest=facts.max_samples)))
    spent: dict[Path, list[float]] = {file: [] for file in files}
    for turn in range(_TURNS + 1):
        for file, (runner, parts) in heard.items():
            began = time.perf_counter()
            for part in parts:
                runner.score(part)
            if turn:  # the first one warms up
                spent[file].append(time.perf_counter() - began)
    return {file: 1e3 * median(found) for file, found in spent.items()}, lengths[clip]


def _wave(clip: Clip, sample_rate: int, channels: Channels) -> NDArray[np.float32]:
    path, start, stop, *_ = clip
    return waveform(path, sample_rate=sample_rate, channels=channels, start=float(start), stop=float(stop) if stop else None)[0]
