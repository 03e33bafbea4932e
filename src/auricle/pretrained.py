"""Published weights by name: brought when asked for, checked, turned once into a bundle of ours in the user's cache.

The table beside this file, `pretrained.toml`, says where each lies, under which licence, and which recipe it is a network of. A published
file is read by a restricted reader that runs nothing in it, fills the recipe's pipe strictly (no tensor is missing, none is left), and is
then not needed any more. Asking what there is, and where it lies, needs no torch.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle import backbones
from auricle.catalog import nearest
from auricle.datasets._cache import cache
from auricle.errors import BundleError, DataError, RequestError
from auricle.types import Seconds

if TYPE_CHECKING:
    from torch import Tensor

    from auricle.bundle import Bundle
    from auricle.recipe import Recipe

_TABLE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Weights:
    """Published weights.

    Args:
        name: `architecture.recipe`.
        title: one line.
        address: of the published file.
        checksums: "sha256:…" or "md5:…", any one of which is right; empty where none is published.
        megabytes: of the published file.
        license: on whose terms.
        citation: how to cite it.
        published: figures that the authors report.
        condition: what these figures were measured on.
        layout: the file of `models` whose `convert` renames the published tensors.
        labels: names of the classes, one a line, in a file beside this one.
        threshold: least probability that names a class.
        recipe: plain values of the recipe that the weights belong to.
    """

    name: str
    title: str
    address: str
    checksums: tuple[str, ...]
    megabytes: float
    license: str
    citation: str
    published: dict[str, float]
    condition: str
    layout: str
    labels: str
    threshold: float
    recipe: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where the bundle and its exported form lie, or will."""
        return cache("weights") / self.name

    @property
    def here(self) -> bool:
        """Whether the bundle is in the cache."""
        return (self.folder / "bundle.json").is_file()

    def names(self) -> tuple[str, ...]:
        """The classes, in the order of the answers."""
        return tuple((_TABLE.parent / self.labels).read_text(encoding="utf-8").splitlines())


def names() -> list[str]:
    """Names of all published weights that are known."""
    return sorted(_table())


def about(name: str) -> Weights:
    """What is known of published weights.

    Args:
        name: `architecture.recipe`.

    Returns:
        The entry of the table.

    Raises:
        RequestError: there are none of that name.
    """
    if name not in _table():
        raise RequestError(f"{name!r} is not the name of published weights{nearest(name, names())}")
    entry = _table()[name]
    return Weights(name=name, **{**entry, "checksums": tuple(entry["checksums"])})


def locate(weights: str) -> Path:
    """The folder of a bundle.

    Args:
        weights: a name of published weights or of a backbone, or the folder of a bundle or a run.

    Returns:
        Its path; the bundle is there.

    Raises:
        RequestError: no such name or folder; published weights that are not in the cache.
    """
    place = Path(weights).expanduser()
    if any((each / "bundle.json").is_file() for each in (place, place / "bundle")):
        return place
    if weights in backbones.names():
        return backbones.locate(weights)
    if weights not in names():
        known = [*names(), *backbones.names()]
        raise RequestError(f"{weights} is neither the folder of a bundle nor the name of published weights{nearest(weights, known)}")
    found = about(weights)
    if not found.here:
        size = f"{found.megabytes:g} MB, {found.license}"
        raise RequestError(
            f"the weights {weights} are not on this machine: {found.folder} holds no bundle",
            hint=f"auricle download {weights} brings them ({size}); --from FILE takes a copy of {_file(found)}",
        )
    _renew(found)
    return found.folder


def bring(
    weights: Weights,
    *,
    source: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    attempts: int = 5,
    patience: Seconds = 60.0,
) -> Path:
    """The bundle of published weights in the user's cache, made unless it is there.

    Args:
        weights: what to bring.
        source: a copy of the published file; None fetches it from its address.
        progress: called with bytes so far and bytes in all (0 where unknown).
        attempts: how often a cut connection is taken up again before giving up.
        patience: how long the other side may be silent.

    Returns:
        The bundle's folder.

    Raises:
        DataError: no connection, or `AURICLE_OFFLINE` is set; a wrong checksum.
        BundleError: what arrived is damaged or something else.
        RequestError: there is no such file.
    """
    from auricle import bundle as bundles
    from auricle.datasets._download import Archive, fetch, unlike

    if weights.here:
        return locate(weights.name)
    part = weights.folder.with_name(weights.name + ".part")
    if source is None:
        if os.environ.get("AURICLE_OFFLINE", "0") not in ("", "0"):
            raise DataError(f"the weights {weights.name} are not on this machine, and AURICLE_OFFLINE is set", hint=_hint(weights))
        part.mkdir(parents=True, exist_ok=True)
        source = part / _file(weights)
        if not source.is_file():
            try:
                fetch(
                    Archive(weights.address, source.name, weights.checksums),
                    source,
                    progress=progress,
                    attempts=attempts,
                    patience=patience,
                )
            except DataError as wrong:
                raise DataError(f"the weights {weights.name} could not be brought: {wrong}", hint=_hint(weights)) from wrong
    elif not source.is_file():
        raise RequestError(f"{source} is not a file; wanted a copy of {_file(weights)}")
    elif odd := unlike(source, weights.checksums):
        raise DataError(f"{source} is not the published {weights.name}: its checksum is {odd}; wanted {weights.checksums[0]}")
    bundles.save(convert(weights, source), part / "bundle")
    shutil.rmtree(weights.folder, ignore_errors=True)  # what an interrupted export left
    (part / "bundle").replace(weights.folder)
    shutil.rmtree(part, ignore_errors=True)
    return weights.folder


def convert(weights: Weights, file: Path) -> Bundle:
    """A published file as a bundle.

    Args:
        weights: what the file is.
        file: as it was published.

    Returns:
        The bundle, its pipe in evaluation mode.

    Raises:
        BundleError: the file is damaged, hostile, or of another network.
    """
    from auricle import bundle as bundles
    from auricle.types import Task

    recipe = _recipe(weights)
    task = Task(weights.names(), "multi")
    pipe = bundles.build(recipe, task).eval()
    state = {k: v for k, v in pipe.state_dict().items() if k.startswith("frontend.")}
    state |= importlib.import_module(f"auricle.models.{weights.layout}").convert(read(file))
    wanted = pipe.state_dict()
    odd = sorted(wanted.keys() ^ state.keys()) + sorted(k for k in wanted.keys() & state.keys() if wanted[k].shape != state[k].shape)
    if odd:
        raise BundleError(f"{file} is not {weights.name}: {len(odd)} tensors are missing, left over or of another shape, first {odd[0]}")
    pipe.load_state_dict(state)
    card = {
        "dataset": "AudioSet",
        "license": weights.license,
        "citation": weights.citation,
        "weights_may_ship": True,
        "source": weights.address,
        "published": {**weights.published, "condition": weights.condition},
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "verified": bool(weights.checksums),
    }
    return bundles.Bundle(pipe, recipe, task, 1.0, (weights.threshold,) * len(task.labels), card)


def read(file: Path) -> Mapping[str, Tensor]:
    """The tensors of a published file, of safetensors or of torch; nothing in it is run.

    Args:
        file: its path.

    Returns:
        [...] by name; those under "model" or "state_dict" where the file holds more than them.

    Raises:
        BundleError: the file is damaged, or holds anything but tensors and plain values.
    """
    import numpy as np
    import torch
    from safetensors.torch import load_file

    # Some files carry the state of a sampler beside the weights, in arrays of numbers. These names make arrays and run nothing.
    remake = np.zeros(0).__reduce__()[0]
    plain: list[Any] = [(remake, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")]
    plain += [np.ndarray, np.dtype, *(type(np.dtype(kind)) for kind in ("?", *np.typecodes["AllInteger"], *np.typecodes["Float"]))]
    try:
        if file.suffix == ".safetensors":
            found: Any = load_file(file)
        else:
            with torch.serialization.safe_globals(plain):
                found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as wrong:  # torch and its reader raise whatever a damaged file leads them to
        # What torch says here is advice to read the file without care.
        raise BundleError(f"{file} is not a file of weights that can be read safely: {type(wrong).__name__}") from wrong
    for key in ("model", "state_dict"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise BundleError(f"{file} holds no tensors by name")
    return found


def _recipe(weights: Weights) -> Recipe:
    from auricle import recipe as recipes

    return recipes.parse({**weights.recipe, "note": f"{weights.title}; {weights.address}"})


def _renew(weights: Weights) -> None:
    """A bundle that an earlier auricle made gets this one's settings: what the table says has not changed, and the weights neither."""
    path, wanted = weights.folder / "bundle.json", _recipe(weights).tree()
    about = json.loads(path.read_text(encoding="utf-8"))
    if about.get("recipe") != wanted:
        part = path.with_name("bundle.json.part")
        part.write_text(json.dumps({**about, "recipe": wanted}, indent=1, ensure_ascii=False), encoding="utf-8")
        part.replace(path)


@remembered
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


def _file(weights: Weights) -> str:
    return weights.address.rpartition("/")[2].replace("%3D", "=")


def _hint(weights: Weights) -> str:
    return f"auricle download {weights.name} --from FILE takes a copy of {_file(weights)}, from {weights.address}"
