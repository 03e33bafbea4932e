"""Teachers for `auricle train --teacher`: bundles, runs, published weights, exported files, and folders of transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor

from auricle import bundle as bundles
from auricle import pretrained, runtime
from auricle.errors import BundleError, MissingExtraError, RequestError
from auricle.exporters._runner import Runner
from auricle.learning.teacher import Panel, Teacher
from auricle.recipe import Recipe
from auricle.types import Task

_LEAST = 1e-7  # probability; below it a float says no more


def panel(recipe: Recipe, task: Task) -> Panel | None:
    """The teachers that a recipe names.

    Args:
        recipe: with its sample rate.
        task: what the student learns.

    Returns:
        All of them; None where there are none.

    Raises:
        RequestError: one isn't there, or doesn't know a label.
        BundleError: one is damaged.
    """
    if not recipe.transfer.teachers:
        return None
    return Panel([_opened(name) for name in recipe.transfer.teachers], task.labels, recipe.sample_rate)


def _opened(name: str) -> Teacher:
    path = Path(name).expanduser()
    if (path / "config.json").is_file():
        return _OfTransformers(path)
    if name in pretrained.names() or any((each / "bundle.json").is_file() for each in (path, path / "bundle")):
        return _OfBundle(name)
    return _OfGraph(name)


class _OfBundle:
    def __init__(self, name: str) -> None:
        self.name = name
        bundle = bundles.load(pretrained.locate(name))
        self.labels, self.sample_rate = bundle.task.labels, bundle.recipe.sample_rate
        self._pipe = bundle.pipe.eval().requires_grad_(False)
        self.max_samples = self._pipe.max_samples

    def logits(self, wave: Tensor, length: Tensor) -> Tensor:
        self._pipe.to(wave.device)
        out: Tensor = self._pipe(*_long_enough(wave, length, self._pipe.min_samples))
        return out


class _OfGraph:
    def __init__(self, name: str) -> None:
        self.name = name
        self._runner = Runner(runtime.locate(name))
        facts = self._runner.facts
        self.labels, self.sample_rate, self.max_samples = facts.labels, facts.sample_rate, facts.max_samples
        self._one = facts.kind not in ("multi", "frames")

    def logits(self, wave: Tensor, length: Tensor) -> Tensor:
        heard, valid = _long_enough(wave, length, self._runner.facts.min_samples)
        said = torch.from_numpy(self._runner.run(heard.cpu().numpy(), valid.cpu().numpy().astype(np.int64))).clamp(_LEAST, 1 - _LEAST)
        return (said.log() if self._one else said.logit()).to(wave.device)


class _OfTransformers:
    """A classifier that transformers saved, with the preprocessing that it was saved with, which cuts what is too long."""

    max_samples = 0

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        try:
            from transformers import AutoFeatureExtractor, AutoModelForAudioClassification
        except ImportError as error:
            raise MissingExtraError(f"the teacher {folder}", "speech") from error
        try:
            config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self._extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)  # type: ignore[no-untyped-call]
            network = AutoModelForAudioClassification.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise BundleError(f"{folder} is not an audio classifier that transformers saved: {str(error).partition(chr(10))[0]}") from error
        names = config.get("id2label") or {}
        if len(names) != network.config.num_labels:
            raise RequestError(
                f"{folder} names {len(names)} labels in config.json, and its network tells {network.config.num_labels} apart"
            )
        self.labels = tuple(names[str(i)] for i in range(len(names)))
        self.sample_rate = int(self._extractor.sampling_rate)
        self._network = network.eval().requires_grad_(False)

    def logits(self, wave: Tensor, length: Tensor) -> Tensor:
        clips = [row[:n].cpu().numpy() for row, n in zip(wave, length.tolist(), strict=True)]
        heard = self._extractor(clips, sampling_rate=self.sample_rate, return_tensors="pt", padding=True)
        self._network.to(wave.device)
        out: Tensor = self._network(**{k: v.to(wave.device) for k, v in heard.items()}).logits
        return out


def _long_enough(wave: Tensor, length: Tensor, least: int) -> tuple[Tensor, Tensor]:
    """Rows padded with silence to what a network needs."""
    missing = least - wave.shape[-1]
    return (torch.nn.functional.pad(wave, (0, missing)) if missing > 0 else wave), length.clamp(min=least)
