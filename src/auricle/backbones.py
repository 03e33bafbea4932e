"""Networks that others taught and that name no classes, by name: a copy of the published file, turned once into a bundle in the cache.

The table beside this file, `backbones.toml`, says which file, where it is found, and which recipe it is a network of. `transfer.weights`
takes such a name as it takes any other; there is nothing that such a network could predict. Files are read by readers that run nothing.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache as remembered
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auricle.catalog import nearest
from auricle.datasets._cache import cache
from auricle.errors import BundleError, DataError, RequestError

if TYPE_CHECKING:
    from torch import Tensor

    from auricle.pipe import Pipe

_TABLE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network to begin from.

    Args:
        name: `architecture.recipe`.
        title: one line.
        file: name of the published file.
        found_in: what carries it.
        sha256: of the file; "" takes any whose tensors fit.
        license: on whose terms.
        weights_may_ship: whether these let models that begin from it be passed on.
        citation: how to cite it.
        recipe: plain values of the recipe that the weights belong to.
    """

    name: str
    title: str
    file: str
    found_in: str
    sha256: str
    license: str
    weights_may_ship: bool
    citation: str
    recipe: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where the bundle lies, or will."""
        return cache("weights") / self.name

    @property
    def here(self) -> bool:
        """Whether the bundle is in the cache."""
        return (self.folder / "bundle.json").is_file()

    @property
    def hint(self) -> str:
        """How to have it."""
        return f"auricle download {self.name} --from FILE takes a copy of {self.file}, from {self.found_in}"


def names() -> list[str]:
    """Names of all backbones that are known."""
    return sorted(_table())


def about(name: str) -> Backbone:
    """What is known of a backbone.

    Args:
        name: `architecture.recipe`.

    Returns:
        The entry of the table.

    Raises:
        RequestError: there is none of that name.
    """
    if name not in _table():
        raise RequestError(f"{name!r} is not the name of a backbone{nearest(name, names())}")
    return Backbone(name=name, **_table()[name])


def locate(name: str) -> Path:
    """The folder of a backbone's bundle.

    Args:
        name: of the backbone.

    Returns:
        Its path; the bundle is there.

    Raises:
        RequestError: no such name, or it is not in the cache.
    """
    found = about(name)
    if not found.here:
        raise RequestError(f"the weights {name} are not on this machine: the cache holds no bundle of them", hint=found.hint)
    return found.folder


def bring(backbone: Backbone, source: Path | None) -> Path:
    """The bundle of a backbone, made from a copy of the published file unless it is there.

    Args:
        backbone: what to bring.
        source: the copy; None only takes what is in the cache.

    Returns:
        The bundle's folder.

    Raises:
        RequestError: there is no such file, or none was named.
        DataError: it is another file.
        BundleError: it is damaged, or of another network.
    """
    from auricle import bundle as bundles
    from auricle import recipe as recipes
    from auricle.datasets._download import unlike
    from auricle.types import Task

    if source is None or backbone.here:
        return locate(backbone.name)
    if not source.is_file():
        raise RequestError(f"{source} is not a file; wanted a copy of {backbone.file}", hint=backbone.hint)
    if backbone.sha256 and (odd := unlike(source, (f"sha256:{backbone.sha256}",))):
        raise DataError(f"{source} is not the {backbone.file} of {backbone.name}: its checksum is {odd}", hint=backbone.hint)
    recipe = recipes.parse({**backbone.recipe, "note": f"{backbone.title}; {backbone.found_in}"})
    task = Task(("unknown", "known"))  # a head has at least two classes; this one never answers
    pipe = bundles.build(recipe, task).eval()
    _fill(pipe, recipe.model.name, dict(recipe.model.args), source)
    card = {key: getattr(backbone, key) for key in ("license", "citation", "weights_may_ship", "sha256")}
    part = backbone.folder.with_name(f"{backbone.name}.part")
    bundles.save(bundles.Bundle(pipe, recipe, task, card=card), part)
    shutil.rmtree(backbone.folder, ignore_errors=True)
    part.replace(backbone.folder)
    return backbone.folder


def _fill(pipe: Pipe, model: str, args: Mapping[str, Any], file: Path) -> None:
    """The file's tensors in a model; each layout has a reader of its own."""
    if model == "vision":
        from auricle.models import _timm

        _timm.fill(pipe.model.backbone, _timm.stored(file), str(file))
        return
    if model == "foreign":
        pipe.model.take(file.read_bytes(), pipe.frontend, str(file))
        return
    state = _sound_net8(file, args) if model == "sound_net8" else _whisper(file)
    wanted = {name: value for name, value in pipe.state_dict().items() if name.startswith("model.")}
    odd = sorted(name for name, value in wanted.items() if name not in state or state[name].shape != value.shape)
    if odd:
        raise BundleError(f"{file} is of another network: {len(odd)} tensors are missing or of another shape, first {odd[0]}")
    pipe.load_state_dict({**pipe.state_dict(), **{name: state[name] for name in wanted}})


def _sound_net8(file: Path, args: Mapping[str, Any]) -> Mapping[str, Tensor]:
    from auricle.models.sound_net8 import convert_arrays

    return convert_arrays(file, until=args["until"])


def _whisper(file: Path) -> Mapping[str, Tensor]:
    import torch

    from auricle.models._ctranslate2 import tensors
    from auricle.models.whisper import convert

    return convert({name: torch.from_numpy(value) for name, value in tensors(file).items()})


@remembered
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))
