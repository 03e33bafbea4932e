"""The trained thing on disk: `weights.safetensors` and `bundle.json` in a folder, never a pickle, never code.

A bundle holds the pipe's weights, the recipe that builds it, the task, the calibration, and the card: what it was trained on, under which
licence, how it was measured. Loading one never runs code from it: a recipe that names a local file is refused.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as unpacked
from safetensors.torch import save as packed
from torch import nn

from auricle import catalog
from auricle import recipe as recipes
from auricle.errors import BundleError, RequestError
from auricle.frontends._denoised import Denoised
from auricle.pipe import Pipe, SideBySide
from auricle.recipe import Recipe
from auricle.types import Spec, Task

FORMAT = 1
_STAGES = ("frontend", "model", "head")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A trained pipe and all that is known of it.

    Args:
        pipe: front end, model and head, in evaluation mode; where waves are restored, the denoiser in their place.
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
        The pipe, in training mode, initialised from torch's random state; of a recipe that trains a denoiser, that alone.

    Raises:
        RequestError: the model doesn't take what the front end gives, or no network has the sizes that the recipe asks for.
    """
    if recipe.denoiser and recipe.restores:
        return _stage("denoiser", recipe.denoiser, recipe.sample_rate)  # type: ignore[no-any-return]
    frontend = _frontend(recipe)
    model = _stage("model", recipe.model, frontend.bins)
    takes = getattr(model, "channels", (0,))
    for name, each in {recipe.frontend.name: frontend}.items() if isinstance(recipe.frontend, Spec) else frontend.members.items():
        _refuse_other_channels(name, each, takes=takes.get(name, (0,)) if isinstance(takes, dict) else takes, model=recipe.model.name)
    if hasattr(model, "place"):
        model.place(getattr(frontend, "bins_hz", ()))
    head = _stage("head", recipe.head, model.dim, len(task.labels))
    if recipe.denoiser:
        frontend = Denoised(_stage("denoiser", recipe.denoiser, recipe.sample_rate), frontend)
    return Pipe(frontend, model, head)


def _stage(stage: str, spec: Spec, *given: int) -> Any:
    """A stage of the pipe; sizes that torch can't make, or makes of nothing, are the recipe's to mend."""
    told = f"recipe.{stage} is {spec.name} with {', '.join(f'{k} = {v!r}' for k, v in spec.args.items())}"
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")  # told below, in a sentence
            made = catalog.make(f"{stage}s", spec, *given)
    except (ArithmeticError, RuntimeError, ValueError) as wrong:
        raise RequestError(f"{told}, which can't be built: {f'{wrong}'.partition(chr(10))[0]}") from wrong
    empty = [name for name, weights in made.named_parameters() if not weights.numel()]
    if empty:
        raise RequestError(f"{told}, which leaves {empty[0]} without a single weight")
    return made


def _refuse_other_channels(name: str, frontend: Any, *, takes: tuple[int, ...], model: str) -> None:
    """A picture goes to a model that wants one; what has no channels counts as 0."""
    gives = getattr(frontend, "channels", 0)
    if gives not in takes:
        shapes = {0: "frames without channels", **{n: f"pictures of {n} channel{'s' * (n > 1)}" for n in (gives, *takes) if n}}
        raise RequestError(f"the front end {name} gives {shapes[gives]}; the model {model} takes {' or '.join(shapes[n] for n in takes)}")


def _frontend(recipe: Recipe) -> Any:
    if isinstance(recipe.frontend, Spec):
        return _stage("frontend", recipe.frontend, recipe.sample_rate)
    return SideBySide({name: _stage("frontend", spec, recipe.sample_rate) for name, spec in recipe.frontend.items()})


def save(bundle: Bundle, folder: Path) -> None:
    """Write a bundle; cut short, it leaves what was there before, or two files whose checksums tell that they don't belong together.

    Args:
        bundle: what to write.
        folder: where; an older bundle there is replaced.

    Raises:
        OSError: the disk is full or the folder can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = packed({k: v.detach().cpu().contiguous() for k, v in bundle.pipe.state_dict().items()})
    about = {
        "format": FORMAT,
        "recipe": bundle.recipe.tree(),
        "task": asdict(bundle.task),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "temperature": bundle.temperature,
        "thresholds": list(bundle.thresholds),
        "card": bundle.card,
    }
    new_weights, new_about = folder / "weights.safetensors.part", folder / "bundle.json.part"
    try:
        new_weights.write_bytes(weights)
        new_about.write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
        new_weights.replace(folder / "weights.safetensors")
        new_about.replace(folder / "bundle.json")
    finally:
        new_weights.unlink(missing_ok=True)
        new_about.unlink(missing_ok=True)


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
    recipe, task = _trusted(about, folder)
    pipe = build(recipe, task)
    _fill(pipe, folder, about["sha256"])
    return Bundle(pipe.eval(), recipe, task, float(about["temperature"]), tuple(about["thresholds"]), about["card"])


def _trusted(about: dict[str, Any], folder: Path) -> tuple[Recipe, Task]:
    """Recipe and task, once no stage names code outside auricle."""
    try:
        for stage, named in _named(about["recipe"]):
            if named.endswith(".py"):
                raise BundleError(f"{folder} needs the {stage} {named}; a bundle may only name components of auricle")
        task = Task(tuple(map(str, about["task"]["labels"])), about["task"]["kind"])
        return recipes.parse(about["recipe"]), task
    except (KeyError, TypeError, AttributeError) as wrong:
        raise BundleError(f"{folder / 'bundle.json'} is damaged: its recipe or task is not of the wanted form ({wrong})") from wrong
    except RequestError as wrong:
        raise BundleError(f"{folder / 'bundle.json'} does not fit this auricle: {wrong}") from wrong


def _named(recipe: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Stage and component, as a bundle's recipe has them; several front ends are as many pairs."""
    denoiser = ("denoiser",) if "denoiser" in recipe else ()
    alone = bool(denoiser) and not recipe["transfer"]["denoiser"]  # it is what was trained
    for stage in denoiser if alone else _STAGES + denoiser:
        section = recipe[stage]
        for each in [section] if "name" in section else section.values():
            yield stage, each["name"]


def _about(folder: Path) -> dict[str, Any]:
    path = folder / "bundle.json"
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as wrong:
        raise BundleError(f"{folder} is not a bundle: it holds no bundle.json") from wrong
    except (json.JSONDecodeError, UnicodeDecodeError) as wrong:
        raise BundleError(f"{path} is damaged: {wrong}") from wrong
    if not isinstance(about, dict):
        raise BundleError(f"{path} is damaged: it holds no table")
    missing = {"format", "recipe", "task", "sha256", "temperature", "thresholds", "card"} - about.keys()
    if missing:
        raise BundleError(f"{path} has no {', '.join(sorted(missing))}")
    if about["format"] != FORMAT:
        raise BundleError(f"{path} is of format {about['format']}; this auricle reads format {FORMAT}")
    return about


def _fill(pipe: nn.Module, folder: Path, sha256: str) -> None:
    path = folder / "weights.safetensors"
    try:
        content = path.read_bytes()
        weights = unpacked(content)
    except FileNotFoundError as wrong:
        raise BundleError(f"{folder} holds no weights.safetensors") from wrong
    except SafetensorError as wrong:
        raise BundleError(f"{path} is damaged: {wrong}") from wrong
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BundleError(f"{path} is damaged or belongs to another bundle.json: its checksum is not the one written there")
    wanted = pipe.state_dict()
    odd = sorted(wanted.keys() ^ weights.keys())
    if odd:
        raise BundleError(f"{path} doesn't fit its recipe: {len(odd)} tensors are missing or extra, first {odd[0]}")
    for name, value in weights.items():
        if wanted[name].shape != value.shape:
            raise BundleError(f"{path} holds {name} as {tuple(value.shape)}; its recipe wants {tuple(wanted[name].shape)}")
    pipe.load_state_dict(weights)
