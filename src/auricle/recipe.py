"""A recipe: everything that decides a result, read from TOML, checked before any data is touched, written back whole as JSON.

The sections are the pipe's stages. A stage is `name` and its constructor's keyword arguments, so a recipe's keys are documented where
they are used. `--set section.key=value`, in TOML's own value syntax, is the only override.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from auricle import catalog
from auricle.errors import RequestError
from auricle.settings import Count, Feed, Split, Train, Transfer, Whole, bounds
from auricle.types import Spec

_STAGES = {"data": "datasets", "denoiser": "denoisers", "model": "models", "head": "heads", "loss": "losses", "decider": "deciders"}
_OF_LABELS = ("frontend", "model", "head", "decider")  # stages of a classifier, which a denoiser that learns has none of
_WITHOUT_EFFECT = ("expect", "note", "train.device", "train.workers", "train.progress", "train.checkpoint_minutes", "feed.cache_gb")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One resolved recipe.

    Args:
        seed: the only source of chance.
        sample_rate: samples a second inside the pipe.
        data: the dataset and its settings.
        frontend: wave to feature; for a model that needs several, each by name (`[frontend.picture]`, `[frontend.mfcc]`), and one left
            out is taken as its own defaults have it.
        denoiser: wave to wave, in front of the front end; trained already where `transfer.denoiser` names it, else it is what learns, and
            there are no other stages.
        model: feature to hidden.
        head: hidden to logits.
        augment: what is done to training rows, in this order.
        loss: None lets the task decide.
        decider: None lets the task decide.
        feed: how clips become rows.
        split: which clips train, choose and judge.
        transfer: what training starts from.
        train: the loop.
        expect: a measured score this recipe should reach, and its tolerance; never part of the identity.
        note: where the numbers come from.
    """

    seed: Whole = 0
    sample_rate: Count = 16_000
    data: Spec = Spec("folder")
    frontend: Spec | dict[str, Spec] = Spec("log_mel")
    denoiser: Spec | None = None
    model: Spec = Spec("cnn")
    head: Spec = Spec("mean_pool")
    augment: tuple[Spec, ...] = ()
    loss: Spec | None = None
    decider: Spec | None = None
    feed: Feed = field(default_factory=Feed)
    split: Split = field(default_factory=Split)
    transfer: Transfer = field(default_factory=Transfer)
    train: Train = field(default_factory=Train)
    expect: dict[str, float] = field(default_factory=dict)
    note: str = ""

    @property
    def restores(self) -> bool:
        """Whether the denoiser is what learns, clean waves from noisy ones, instead of a classifier."""
        return self.denoiser is not None and not self.transfer.denoiser

    @property
    def called(self) -> str:
        """Name of the network that learns."""
        return self.denoiser.name if self.denoiser and self.restores else self.model.name

    @property
    def identity(self) -> str:
        """12 hex digits of a hash over everything that can change the result; it names the run's folder."""
        tree = self.tree()
        for younger in ("denoiser", "probe_above"):  # than runs that are gone on with
            if not tree["transfer"][younger]:
                del tree["transfer"][younger]
        for key in _WITHOUT_EFFECT:
            *parents, last = key.split(".")
            at = tree
            for parent in parents:
                at = at[parent]
            at.pop(last, None)
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:12]

    def tree(self) -> dict[str, Any]:
        """The recipe as plain JSON values; `parse` reads it back to an equal recipe."""
        tree: dict[str, Any] = {}
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if self.restores and each.name in _OF_LABELS:
                continue
            if isinstance(value, Spec):
                tree[each.name] = _flat(value)
            elif each.name == "frontend":
                tree[each.name] = {name: _flat(spec) for name, spec in value.items()}
            elif each.name == "augment":
                tree[each.name] = [_flat(s) for s in value]
            elif dataclasses.is_dataclass(value) and not isinstance(value, type):
                tree[each.name] = dataclasses.asdict(value)
            elif value is not None:
                tree[each.name] = value
        plain: dict[str, Any] = json.loads(json.dumps(tree))
        return plain


def shipped() -> list[str]:
    """Names of the recipes that come with auricle."""
    return sorted(p.name.removesuffix(".toml") for p in files("auricle.recipes").iterdir() if p.name.endswith(".toml"))


def text(name: str) -> str:
    """The TOML text of a shipped recipe.

    Args:
        name: the recipe's.

    Returns:
        Its text as it stands in the file.

    Raises:
        RequestError: there is no such recipe.
    """
    if name not in shipped():
        raise RequestError(f"{name!r} is not a shipped recipe{catalog.nearest(name, shipped())}")
    return (files("auricle.recipes") / f"{name}.toml").read_text(encoding="utf-8")


def read(recipe: str | Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """A recipe from a shipped name or a TOML file, with overrides.

    Args:
        recipe: a shipped recipe's name, or the path of a .toml (or a run's recipe.json).
        overrides: `section.key=value` each, the value as TOML writes it.

    Returns:
        The resolved recipe: every stage has all its settings.

    Raises:
        RequestError: no such recipe; bad TOML; an unknown key (with the nearest legal one); a value of the wrong type.
    """
    path = Path(recipe).expanduser()
    if path.suffix in {".toml", ".json"} and not path.is_file():
        raise RequestError(f"{path} is not a file")
    body = path.read_text(encoding="utf-8") if path.is_file() else text(str(recipe))
    try:
        tree = json.loads(body) if path.suffix == ".json" else tomllib.loads(body)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise RequestError(f"{recipe} is not a recipe that can be read: {wrong}") from wrong
    if not isinstance(tree, dict):
        raise RequestError(f"{recipe} is not a recipe that can be read: it holds a {type(tree).__name__}, not sections")
    for each in overrides:
        override(tree, each)
    return parse(tree)


def parse(tree: dict[str, Any]) -> Recipe:
    """A recipe from plain values, every stage checked against its signature.

    Args:
        tree: sections and keys as TOML or JSON gives them.

    Returns:
        The resolved recipe: every stage has all its settings.

    Raises:
        RequestError: an unknown key, a value of the wrong type, or a number out of bounds.
    """
    legal = {f.name: f for f in dataclasses.fields(Recipe)}
    hints = get_type_hints(Recipe, include_extras=True)
    values: dict[str, Any] = {}
    for key, value in _with_rate(tree).items():
        if key not in legal:
            raise RequestError(f"recipe.{key} is not a setting{catalog.nearest(key, list(legal))}")
        if key == "frontend":
            continue  # read with the model, which says how many it takes
        if key in _STAGES:
            values[key] = catalog.check(_STAGES[key], _spec(value, key), where=key)
        elif key == "augment":
            values[key] = tuple(_effect(v) for v in _list(value, key))
        elif key in {"feed", "split", "transfer", "train"}:
            values[key] = _section(hints[key], value, key)
        else:
            values[key] = _plain(hints[key], value, key)
    recipe = Recipe(**values)
    if recipe.restores and (odd := [key for key in _OF_LABELS if key in tree]):
        raise RequestError(
            f"recipe.{odd[0]} has no part where a denoiser learns", hint="transfer.denoiser names the trained one in front of a classifier"
        )
    filled: dict[str, Any] = {k: catalog.check(kind, getattr(recipe, k), where=k) for k, kind in _STAGES.items() if getattr(recipe, k)}
    return dataclasses.replace(recipe, **filled, frontend=_frontend(tree.get("frontend"), recipe.frontend, model=recipe.model.name))


def override(tree: dict[str, Any], setting: str) -> None:
    """Puts one `section.key=value` into plain values, as `--set` does.

    Args:
        tree: sections and keys; changed in place. Another `name` or a `flavour` for a stage drops the old settings.
        setting: the value is read as TOML and, where it isn't any, taken as a string. A model that needs several front ends drops the
            one that stood there, and the other way round.

    Raises:
        RequestError: it is not of that form, or reaches into something that is not a section.
    """
    key, equals, value = setting.partition("=")
    if not equals or not key.strip():
        raise RequestError(f"--set {setting!r} is not of the form section.key=value")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value.strip()
    *parents, last = key.strip().split(".")
    if key.strip() in {"model", "model.name"} and isinstance(parsed, str) and _several(tree.get("frontend")) != bool(catalog.needs(parsed)):
        tree.pop("frontend", None)
    if len(parents) == 2 and parents[0] == "frontend" and not _several(tree.get("frontend")):
        tree["frontend"] = {}
    at = tree
    for parent in parents:
        if isinstance(at.get(parent), str):
            at[parent] = {"name": at[parent]}  # `model = "cnn"` is short for a section with that name
        at = at.setdefault(parent, {})
        if not isinstance(at, dict):
            raise RequestError(f"--set {setting!r} reaches into {parent}, which is not a section")
    if last == "name" and at.get("name") != parsed:
        at.clear()
    if last == "flavour":  # published settings, not what stood there before
        for other in [k for k in at if k != "name"]:
            del at[other]
    at[last] = parsed


def _with_rate(tree: dict[str, Any]) -> dict[str, Any]:
    """The plain values with the sample rate that a front end's flavour is defined at, where it is defined at one only."""
    front = tree.get("frontend")
    members: dict[str, Any] = tree["frontend"] if _several(front) else {"": front}
    for name, each in members.items():
        if not isinstance(each, dict) or "flavour" not in each:
            continue
        rate = catalog.flavours("frontends", str(each.get("name", name))).get(str(each["flavour"]), {}).get("sample_rate")
        if rate is not None and tree.get("sample_rate", rate) != rate:
            raise RequestError(
                f"recipe.sample_rate is {tree['sample_rate']}; the front end's flavour {each['flavour']} is defined at {rate} Hz",
                hint=f"--set sample_rate={rate}, or spell the settings out instead of the flavour",
            )
        tree = tree if rate is None else {**tree, "sample_rate": rate}
    return tree


def _several(front: object) -> bool:
    """Whether a recipe's front end section holds sections, one a front end, instead of settings."""
    return isinstance(front, dict) and bool(front) and "name" not in front and all(isinstance(v, dict) for v in front.values())


def _frontend(value: Any, usual: Any, *, model: str) -> Spec | dict[str, Spec]:
    """The front end, or all that the model needs, each with every setting; the usual one where the recipe says nothing."""
    needs = catalog.needs(model)
    if not needs and _several(value):
        raise RequestError(f"recipe.frontend names {' and '.join(value)}; the model {model} takes one front end")
    if not needs:
        return catalog.check("frontends", usual if value is None else _spec(value, "frontend"), where="frontend")
    if value and not _several(value):
        wanted = " and ".join(f"[frontend.{name}]" for name in needs)
        raise RequestError(f"recipe.frontend is one front end; the model {model} needs {wanted}")
    given: dict[str, Any] = value or {}
    for name in given:
        if name not in needs:
            raise RequestError(f"recipe.frontend.{name} is not a front end that {model} needs{catalog.nearest(name, list(needs))}")
    own = catalog.names("frontends")
    sections = {name: {**({"name": name} if name in own else {}), **given.get(name, {})} for name in needs}
    return {k: catalog.check("frontends", _spec(v, f"frontend.{k}"), where=f"frontend.{k}") for k, v in sections.items()}


def _spec(value: object, key: str) -> Spec:
    if isinstance(value, str):
        return Spec(value)
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise RequestError(f'recipe.{key} is {value!r}, which has no name; wanted name = "..." and its settings')
    return Spec(value["name"], {k: v for k, v in value.items() if k != "name"})


def _effect(value: object) -> Spec:
    """One of `augment`; that every effect has a probability, and what it is called, is the catalogue's contract."""
    spec = catalog.check("augments", _spec(value, "augment"), where="augment")
    for name in ("p", "p_end"):
        chance = spec.args.get(name)
        if isinstance(chance, int | float) and not 0 <= chance <= 1:
            raise RequestError(f"augment {spec.name}: {name} is {chance:g}; wanted a probability, 0 to 1")
    return spec


def _list(value: object, key: str) -> list[object]:
    if not isinstance(value, list):
        raise RequestError(f"recipe.{key} is {value!r}, which is not a list; wanted [[{key}]] sections")
    return value


def _section(kind: Any, value: object, key: str) -> Any:
    if not isinstance(value, dict):
        raise RequestError(f"recipe.{key} is {value!r}, which is not a section")
    legal = [f.name for f in dataclasses.fields(kind)]
    for name in value:
        if name not in legal:
            raise RequestError(f"recipe.{key}.{name} is not a setting{catalog.nearest(name, legal)}")
    hints = get_type_hints(kind, include_extras=True)
    return kind(**{name: _plain(hints[name], each, f"{key}.{name}") for name, each in value.items()})


def _plain(kind: Any, value: object, key: str) -> Any:
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as wrong:
        if get_origin(kind) is Annotated:
            kind, wide = get_args(kind)[0], kind
            if type(value) in (int, kind):
                raise RequestError(f"recipe.{key} is {value}; wanted {bounds(wide)}") from wrong
        wanted = " or ".join(map(repr, get_args(kind))) if get_origin(kind) is Literal else getattr(kind, "__name__", kind)
        raise RequestError(f"recipe.{key} is {value!r}, which is not {wanted}") from wrong


def _flat(spec: Spec) -> dict[str, Any]:
    return {"name": spec.name, **spec.args}
