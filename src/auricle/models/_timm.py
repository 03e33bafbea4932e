"""The timm library, imported where torchvision is absent or broken too, and the weights it names.

timm 1.0 imports torchvision for the transforms of image files, for datasets, and for a frozen norm that it only compares types with;
no network here uses any of it. torchvision ships compiled for one build of torch: beside another, such as a CPU build, its import
fails, and installing a fitting one may replace torch. So where importing timm fails at torchvision, names of torchvision stand for
nothing while timm is imported, and are gone from `sys.modules` afterwards: nobody else takes them for the real ones.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from auricle.errors import BundleError, MissingExtraError, RequestError

_ABSENT = "torchvision"


def package() -> Any:
    """The timm library.

    Returns:
        The module.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return _imported()
    except ModuleNotFoundError as missing:
        if missing.name != "timm":
            raise
        raise MissingExtraError("a vision network", "vision") from missing


def published(network: Any) -> dict[str, Tensor]:
    """The ImageNet weights that the library names for a network, from the cache or its hub.

    Args:
        network: made by the library.

    Returns:
        [...] tensors by name.

    Raises:
        RequestError: the library has none for it, or they can't be fetched.
    """
    from huggingface_hub import hf_hub_download

    about = network.pretrained_cfg
    name = ".".join(filter(None, (about.get("architecture"), about.get("tag"))))
    if not about.get("hf_hub_id"):
        raise RequestError(f"the library names no ImageNet weights for {name}", hint="name a weights file: --set model.pretrained=FILE")
    try:
        return stored(Path(hf_hub_download(about["hf_hub_id"], "model.safetensors")))
    except OSError as wrong:
        raise RequestError(
            f"the ImageNet weights of {name} are not in the cache, and the hub can't be reached or has none",
            hint="go online once, or name a weights file: --set model.pretrained=FILE",
        ) from wrong


def origin(network: Any) -> dict[str, Any]:
    """What the library says of the ImageNet weights that it names for a network.

    Args:
        network: made by the library.

    Returns:
        `weights`, and where they are known `license`, `source`, `citation` and, for one that forbids commerce, `weights_may_ship`.
    """
    about = network.pretrained_cfg
    known = {"license": about.get("license"), "source": about.get("origin_url"), "citation": about.get("paper_ids")}
    told: dict[str, Any] = {"weights": about.get("hf_hub_id"), **{key: value for key, value in known.items() if value}}
    return {**told, "weights_may_ship": False} if "-nc" in str(told.get("license", "")) else told


def stored(path: Path) -> dict[str, Tensor]:
    """The tensors of a weights file.

    Args:
        path: .safetensors, or what torch saved.

    Returns:
        [...] tensors by name, in the file's order.

    Raises:
        RequestError: there is no such file.
        BundleError: it is damaged, or holds something else than tensors.
    """
    if not path.is_file():
        raise RequestError(f"model.pretrained is {path}, which is not a file; wanted true, false or a weights file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as wrong:  # each layout fails in its own way
        raise BundleError(f"{path} is not a weights file that can be read safely: {type(wrong).__name__}") from wrong
    for key in ("state_dict", "model", "model_state_dict"):
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not found or not all(isinstance(v, Tensor) for v in found.values()):
        raise BundleError(f"{path} holds something else than named tensors")
    return dict(found)


@torch.no_grad()
def fill(network: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Put weights into a network without a classifier: by name, else in the order of both.

    Where the network has one input channel and the weights three, the stem's kernels are summed: it then answers as the published one
    does to three equal channels.

    Args:
        network: it is changed.
        state: [...] tensors, those of a classifier at the end too.
        where: named in errors.

    Raises:
        BundleError: they are another network's.
    """
    own = _counted(network.state_dict())
    given = _counted(state)
    if own.keys() <= given.keys():
        pairs = [(name, given[name]) for name in own]
    else:
        values = list(given.values())
        if len(values) - len(own) not in (0, 1, 2):  # a classifier is a matrix, perhaps with a bias
            raise BundleError(f"{where} holds {len(values)} tensors, which is not a network of {len(own)} and a classifier")
        pairs = list(zip(own, values, strict=False))
    for name, value in pairs:
        wanted = own[name]
        summed = value.ndim == 4 and value.shape[1] == 3 and wanted.shape[1] == 1 and value[:, :1].shape == wanted.shape
        fitting = value.sum(1, keepdim=True) if summed else value
        if fitting.shape != wanted.shape:
            raise BundleError(f"{where} holds {name} as {list(value.shape)}; the network has it as {list(wanted.shape)}")
        wanted.copy_(fitting)


def _counted(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the counters of batches, which older files lack and nothing depends on."""
    return {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}


def _imported() -> Any:
    try:
        import timm
    except (ImportError, RuntimeError, OSError, AttributeError) as failed:
        if _ABSENT not in str(failed):
            raise
    else:
        return timm
    _forget("timm", _ABSENT)
    finder = _Nothing()
    sys.meta_path.insert(0, finder)
    try:
        import timm
    finally:
        sys.meta_path.remove(finder)
        _forget(_ABSENT)
    return timm


def _forget(*packages: str) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] in packages]:
        del sys.modules[name]


class _Named(type):
    """A class whose every attribute is its own name: enumerations of torchvision are keys of tables that nobody reads."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class _Stand(ModuleType):
    """A module whose every name is a class of its own that nothing is an instance of."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        made = _Named(name, (), {})
        setattr(self, name, made)
        return made


class _Nothing(MetaPathFinder, Loader):
    """Finds torchvision and whatever is asked of it."""

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] == _ABSENT else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Stand(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing to run."""
