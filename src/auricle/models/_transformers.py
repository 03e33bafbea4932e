"""Networks of the transformers library: their architecture as plain settings, their weights from a folder or the hub, nothing else.

Only numbers, words and lists of them are taken from a published configuration, by name: no class, no code, no kernel that it points to. A
recipe that holds them builds the network without the folder and without the hub.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from auricle.errors import BundleError, MissingExtraError, RequestError

Plain = bool | int | float | str | list[int] | None
Config = dict[str, Plain]


def package() -> Any:
    """The transformers library.

    Returns:
        The module.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import transformers
    except ModuleNotFoundError as missing:
        raise MissingExtraError("a network of the transformers library", "speech") from missing
    return transformers


def described(source: str, keys: Mapping[str, str]) -> Config:
    """The architecture of published weights.

    Args:
        source: folder that `save_pretrained` wrote, or a name on the hub.
        keys: settings that make the architecture, blanks between, by each `model_type` that is understood.

    Returns:
        `model_type` and those settings.

    Raises:
        RequestError: nothing there, or a network of another kind.
    """
    transformers = package()
    with _quiet(source):
        found, _ = transformers.PreTrainedConfig.get_config_dict(source)
    kind = found.get("model_type", "")
    if not found:
        raise RequestError(f"{source} is not a folder of a network: it holds no config.json")
    if kind not in keys:
        raise RequestError(f"{source} holds a network of the kind {kind!r}; wanted {' or '.join(keys)}")
    found = {**found, **found.get("audio_config", {})} if "audio_config" in found else found
    wanted = keys[kind].split()
    every = transformers.CONFIG_MAPPING[kind](**{k: v for k, v in found.items() if k in wanted}).to_dict()
    return {"model_type": kind, **{key: _plain(every[key], f"{source}: {key}") for key in wanted if key in every}}


def configured(config: Config, keys: Mapping[str, str]) -> Any:
    """A configuration object of plain settings, with everything that draws chance or masks while training switched off.

    Args:
        config: what `described` gave.
        keys: as there.

    Returns:
        The library's configuration.

    Raises:
        RequestError: a kind or a setting that is not understood.
    """
    kind = str(config.get("model_type", ""))
    if kind not in keys:
        raise RequestError(f"model.config.model_type is {kind!r}; wanted {' or '.join(keys)}")
    odd = sorted(config.keys() - {"model_type", *keys[kind].split()})
    if odd:
        raise RequestError(f"model.config.{odd[0]} is not a setting of {kind}'s architecture")
    still = {"layerdrop": 0.0, "encoder_layerdrop": 0.0, "mask_time_prob": 0.0, "mask_feature_prob": 0.0, "apply_spec_augment": False}
    made = package().CONFIG_MAPPING[kind](**{k: v for k, v in config.items() if k != "model_type"})
    for name, value in still.items():
        if hasattr(made, name):
            setattr(made, name, value)
    made._attn_implementation = "eager" if kind == "wavlm" else "sdpa"  # WavLM's own has no other form
    return made


def published(source: str) -> Any:
    """The whole configuration of published weights.

    Args:
        source: folder or name on the hub.

    Returns:
        The library's configuration.

    Raises:
        RequestError: nothing there.
    """
    with _quiet(source):
        return package().AutoConfig.from_pretrained(source, trust_remote_code=False)


def settings_of(source: str, name: str) -> dict[str, Any]:
    """What the published feature extractor was told, from `preprocessor_config.json`.

    Args:
        source: folder or name on the hub.
        name: of the file.

    Returns:
        Its values; nothing where there is no such file.
    """
    package()
    from transformers.utils.hub import cached_file

    with _quiet(source):
        path = cached_file(source, name, _raise_exceptions_for_missing_entries=False)
    values: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    return values


def weights(source: str, kind: Any, config: Any) -> dict[str, Tensor]:
    """The tensors of published weights under the names of one class.

    Args:
        source: folder or name on the hub.
        kind: the library's class.
        config: that it is made with.

    Returns:
        Names to tensors, float32.

    Raises:
        RequestError: nothing there.
        BundleError: tensors are missing, or of another shape.
    """
    with _quiet(source):
        made, told = kind.from_pretrained(source, config=config, dtype=torch.float32, trust_remote_code=False, output_loading_info=True)
    absent = sorted(map(str, told["missing_keys"])) + sorted(str(key) for key in told.get("mismatched_keys", ()))
    if absent:
        raise BundleError(f"{source} lacks {len(absent)} tensors of {kind.__name__} or has them in another shape; the first is {absent[0]}")
    found: dict[str, Tensor] = made.state_dict()
    return found


def fill(network: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Put published weights into a network that may lack the last layers.

    Args:
        network: it is changed.
        state: [...] by name; what the network lacks is left out.
        source: named in errors.

    Raises:
        BundleError: a tensor is missing, or of another shape.
    """
    for name, own in network.state_dict().items():
        if name not in state or state[name].shape != own.shape:
            there = f"as {list(state[name].shape)}" if name in state else "not at all"
            raise BundleError(f"{source} holds {name} {there}; the recipe's network has it as {list(own.shape)}")
        own.copy_(state[name])


@contextlib.contextmanager
def _quiet(source: str) -> Iterator[None]:
    """No bars and no advice; what fails says in one sentence that it does."""
    log = package().utils.logging
    level, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity(log.CRITICAL)
    log.disable_progress_bar()
    try:
        yield
    except (OSError, ValueError) as wrong:
        where = Path(source).expanduser()
        if where.exists() or source.startswith(("/", ".", "~")) or source.count("/") > 1:
            why = " ".join(str(wrong).split())[:160]
            raise RequestError(f"{source} is not a folder of a network that can be read: {why}") from wrong
        raise RequestError(
            f"{source} is neither a folder here nor in the cache, and the hub has no such network or can't be reached",
            hint="go online once, or copy the network's folder here and name that",
        ) from wrong
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


def _plain(value: object, where: str) -> Plain:
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, list) and not all(isinstance(each, int) for each in value):
        raise RequestError(f"{where} is {value!r}; wanted whole numbers")
    if value is None or isinstance(value, bool | int | float | str | list):
        return value
    raise RequestError(f"{where} is {value!r}; wanted a number, a word or a list of numbers")
