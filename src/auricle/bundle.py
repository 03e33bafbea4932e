"""The trained thing on disk: `weights.safetensors` and `bundle.json` in a folder, never a pickle, never code.

A bundle holds the pipe's weights, the recipe that builds it, the task, the calibration, and the card: what it was trained on, under which
licence, how it was measured. Loading one never runs code from it: a recipe that names a local file is refused.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from auricle import catalog
from auricle import recipe as recipes
from auricle.errors import BundleError
from auricle.pipe import Pipe
from auricle.recipe import Recipe
from auricle.types import Task

FORMAT = 1
_STAGES = ("frontend", "model", "head")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A trained pipe and all that is known of it.

    Args:
        pipe: front end, model and head, in evaluation mode.
        recipe: what it was trained with.
        task: labels and kind.
        temperature: logits are divided by it before they become probabilities (Guo et al. 2017).
        thresholds: one a label for multi-label tasks, else ().
        card: protocol, scores, licence, citation, decoder: plain JSON values.
    """

    pipe: Pipe
    recipe: Recipe
    task: Task
    temperature: float = 1.0
    thresholds: tuple[float, ...] = ()
    card: dict[str, Any] = field(default_factory=dict)


def build(recipe: Recipe, task: Task) -> Pipe:
    """An untrained pipe.

    Args:
        recipe: names its stages.
        task: gives the number of classes.

    Returns:
        The pipe, in training mode, initialised from torch's random state.
    """
    frontend = catalog.make("frontends", recipe.frontend, recipe.sample_rate)
    model = catalog.make("models", recipe.model, frontend.bins)
    head = catalog.make("heads", recipe.head, model.dim, len(task.labels))
    return Pipe(frontend, model, head)


def save(bundle: Bundle, folder: Path) -> None:
    """Write a bundle; the folder appears whole or not at all.

    Args:
        bundle: what to write.
        folder: where; an older bundle there is replaced.

    Raises:
        OSError: the disk is full or the folder can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {k: v.detach().cpu().contiguous() for k, v in bundle.pipe.state_dict().items()}
    about = {
        "format": FORMAT,
        "recipe": bundle.recipe.tree(),
        "task": asdict(bundle.task),
        "temperature": bundle.temperature,
        "thresholds": list(bundle.thresholds),
        "card": bundle.card,
    }
    new_weights, new_about = folder / "weights.safetensors.part", folder / "bundle.json.part"
    save_file(weights, new_weights)
    new_about.write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    new_weights.replace(folder / "weights.safetensors")
    new_about.replace(folder / "bundle.json")


def load(folder: Path) -> Bundle:
    """Read a bundle, or the bundle of a run's folder.

    Args:
        folder: holds bundle.json, or a folder `bundle` that does.

    Returns:
        The bundle, its pipe in evaluation mode on the CPU.

    Raises:
        BundleError: nothing there, a damaged file, weights that don't fit the recipe, or a recipe that names code outside auricle.
    """
    if not (folder / "bundle.json").is_file() and (folder / "bundle" / "bundle.json").is_file():
        folder = folder / "bundle"
    about = _about(folder)
    recipe = recipes.parse(about["recipe"])
    for stage in _STAGES:
        if getattr(recipe, stage).name.endswith(".py"):
            raise BundleError(f"{folder} needs the {stage} {getattr(recipe, stage).name}; a bundle may only name components of auricle")
    task = Task(tuple(about["task"]["labels"]), about["task"]["kind"])
    pipe = build(recipe, task)
    _fill(pipe, folder)
    return Bundle(pipe.eval(), recipe, task, float(about["temperature"]), tuple(about["thresholds"]), about["card"])


def _about(folder: Path) -> dict[str, Any]:
    path = folder / "bundle.json"
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as wrong:
        raise BundleError(f"{folder} is not a bundle: it holds no bundle.json") from wrong
    except (json.JSONDecodeError, UnicodeDecodeError) as wrong:
        raise BundleError(f"{path} is damaged: {wrong}") from wrong
    missing = {"format", "recipe", "task", "temperature", "thresholds", "card"} - about.keys()
    if missing:
        raise BundleError(f"{path} has no {', '.join(sorted(missing))}")
    if about["format"] != FORMAT:
        raise BundleError(f"{path} is of format {about['format']}; this auricle reads format {FORMAT}")
    return about


def _fill(pipe: nn.Module, folder: Path) -> None:
    path = folder / "weights.safetensors"
    try:
        weights = load_file(path)
    except FileNotFoundError as wrong:
        raise BundleError(f"{folder} holds no weights.safetensors") from wrong
    except SafetensorError as wrong:
        raise BundleError(f"{path} is damaged: {wrong}") from wrong
    wanted = pipe.state_dict()
    odd = sorted(wanted.keys() ^ weights.keys())
    if odd:
        raise BundleError(f"{path} doesn't fit its recipe: {len(odd)} tensors are missing or extra, first {odd[0]}")
    for name, value in weights.items():
        if wanted[name].shape != value.shape:
            raise BundleError(f"{path} holds {name} as {tuple(value.shape)}; its recipe wants {tuple(wanted[name].shape)}")
    pipe.load_state_dict(weights)
