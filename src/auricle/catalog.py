"""The file tree as the registry: what components there are, what settings they take, and how one is made.

A catalogue is a folder of the package; an entry is a file in it whose name does not begin with `_`; the entry's class is the one whose name
spells the file's name (`add_noise.py` holds `AddNoise`, case and underscores aside). Other packages add entries by entry points of
the group `auricle.<kind>`, a recipe may name a local file (`./my_net.py`). Names, summaries and settings are read from the source with
`ast`: asking what there is imports nothing, and works without torch.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from auricle.errors import RequestError
from auricle.types import Decibels, Hertz, Seconds, Spec

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

REQUIRED = object()
_ROOT = Path(__file__).parent
_NOT_CATALOGUES = {"audio", "learning", "recipes", "reports", "shipped", "studies"}
_TYPES = {"Literal": Literal, "Seconds": Seconds, "Hertz": Hertz, "Decibels": Decibels, "Path": Path}


@dataclass(frozen=True, slots=True)
class Setting:
    """One keyword argument of a component's constructor.

    Args:
        name: as a recipe writes it.
        annotation: the source text of its type.
        default: its default, or `REQUIRED`.
        positional: whether the pipe passes it (a front end's `sample_rate`, a model's `bins`), so that no recipe may.
    """

    name: str
    annotation: str
    default: object
    positional: bool


def kinds() -> list[str]:
    """Names of the catalogues, which are the folders of the package that hold components."""
    return sorted(p.parent.name for p in _ROOT.glob("*/__init__.py") if p.parent.name not in _NOT_CATALOGUES)


def names(kind: str) -> list[str]:
    """Names of the entries of one catalogue, sorted; imports nothing.

    Args:
        kind: the catalogue.

    Returns:
        File names without suffix, and the names of other packages' entry points.

    Raises:
        RequestError: there is no such catalogue.
    """
    if kind not in kinds():
        raise RequestError(f"{kind!r} is not a catalogue{nearest(kind, kinds())}")
    own = [p.stem for p in (_ROOT / kind).glob("*.py") if not p.stem.startswith("_")]
    return sorted([*own, *(e.name for e in _plugins(kind))])


def source(kind: str, name: str) -> Path:
    """The file that holds an entry.

    Args:
        kind: the catalogue.
        name: an entry's name, or the path of a Python file.

    Returns:
        The path of its source.

    Raises:
        RequestError: there is no such entry.
    """
    if name.endswith(".py"):
        path = Path(name).expanduser()
        if not path.is_file():
            raise RequestError(f"{name} is not a file")
        return path
    path = _ROOT / kind / f"{name}.py"
    if name in names(kind) and path.is_file():
        return path
    for plugin in _plugins(kind):
        if plugin.name == name:
            spec = importlib.util.find_spec(plugin.module)
            if spec is not None and spec.origin:
                return Path(spec.origin)
    raise RequestError(f"{name!r} is not one of the {kind}{nearest(name, names(kind))}")


def about(kind: str) -> str:
    """The first line of a catalogue's own docstring."""
    return overview(kind).partition("\n")[0]


def overview(kind: str) -> str:
    """A catalogue's own docstring: what an entry of it is."""
    return ast.get_docstring(_tree(_ROOT / kind / "__init__.py")) or ""


def summary(kind: str, name: str) -> str:
    """The first line of the entry's module docstring."""
    return document(kind, name).partition("\n")[0]


def document(kind: str, name: str) -> str:
    """The entry's module docstring."""
    path = source(kind, name)
    head, quotes, _ = path.read_text(encoding="utf-8").removeprefix('"""').partition('"""')
    if quotes and "\\" not in head and path.read_bytes().startswith(b'"""'):
        return inspect.cleandoc(head)  # parsing whole files would be most of the time that `auricle --help` takes
    return ast.get_docstring(_tree(path)) or ""


def settings(kind: str, name: str) -> tuple[Setting, ...]:
    """The arguments of the entry's constructor (of the function itself, for verbs), from its source.

    Args:
        kind: the catalogue.
        name: an entry's name, or the path of a Python file.

    Returns:
        One setting an argument, in the order of the signature.

    Raises:
        RequestError: the file holds no class or function of the expected name, or a default that is not a literal.
    """
    path = source(kind, name)
    node = _definition(path)
    if isinstance(node, ast.ClassDef):
        inits = [n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        if not inits:
            return ()
        args, skip = inits[0].args, 1
    else:
        args, skip = node.args, 0
    plain = args.args[skip:]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(args.defaults)) + list(args.defaults)
    found = [_setting(a, d, positional=True) for a, d in zip(plain, defaults, strict=True)]
    found += [_setting(a, d, positional=False) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    return tuple(found)


def explained(kind: str, name: str) -> dict[str, str]:
    """What each argument means, from the Args section of the entry's class or function.

    Args:
        kind: the catalogue.
        name: an entry's name, or the path of a Python file.

    Returns:
        One line an argument, continuations joined.

    Raises:
        RequestError: the file holds no class or function of the expected name.
    """
    return arguments(ast.get_docstring(_definition(source(kind, name))) or "")


def arguments(docstring: str) -> dict[str, str]:
    """The Args section of a Google docstring: one line an argument, continuations joined."""
    lines: dict[str, str] = {}
    inside, name = False, ""
    for row in docstring.splitlines():
        if not row.startswith(" ") and row:
            inside = row == "Args:"
        elif inside and row.startswith("    ") and not row.startswith("     "):
            name, _, first = row.strip().partition(":")
            lines[name.lstrip("*")] = first.strip()
        elif inside and row.strip():
            lines[name.lstrip("*")] += f" {row.strip()}"
    return lines


def needs(model: str) -> tuple[str, ...]:
    """Names of the front ends that a model hears side by side: its class attribute `needs`; () where it takes any one.

    Args:
        model: a model's name, or the path of a Python file.

    Returns:
        Keys of the dict that is its feature, in the order it wants them.

    Raises:
        RequestError: there is no such model.
    """
    for node in _definition(source("models", model)).body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(t, ast.Name) and t.id == "needs" for t in targets):
            return tuple(ast.literal_eval(node.value))  # type: ignore[attr-defined]  # both kinds of assignment have one
    return ()


def flavours(kind: str, name: str) -> dict[str, dict[str, object]]:
    """Published settings of an entry by their name, from the catalogue's `_flavours.toml`.

    Args:
        kind: the catalogue.
        name: an entry's name.

    Returns:
        Settings of each flavour; `sample_rate` among them is the recipe's, the only one the flavour is defined at.
    """
    path = _ROOT / kind / "_flavours.toml"
    found: dict[str, dict[str, object]] = _flavour_file(path).get(name, {}) if path.is_file() else {}
    return found


def check(kind: str, spec: Spec, *, where: str = "") -> Spec:
    """The spec with every setting of the right type and defaults filled in; imports nothing.

    Args:
        kind: the catalogue.
        spec: name and settings as a recipe gives them; a setting `flavour` stands for the published ones, which others overrule.
        where: how to call the spec in an error, such as "model".

    Returns:
        The same entry with every setting present.

    Raises:
        RequestError: an unknown name, an unknown setting (with the nearest legal one), or a value of the wrong type.
    """
    where = where or kind
    known = {s.name: s for s in settings(kind, spec.name) if not s.positional}
    args: dict[str, object] = {}
    for key, value in _flavoured(kind, spec, where).items():
        if key not in known:
            raise RequestError(f"{where}.{key} is not a setting of {spec.name}{nearest(key, list(known))}")
        args[key] = _typed(known[key], value, f"{where}.{key}")
    missing = [s.name for s in known.values() if s.default is REQUIRED and s.name not in args]
    if missing:
        raise RequestError(f"{where} {spec.name} needs {', '.join(missing)}, which is not set")
    return Spec(spec.name, {s.name: args.get(s.name, s.default) for s in known.values()})


def load(kind: str, name: str) -> Any:
    """The entry's class (or function, for verbs), imported.

    Args:
        kind: the catalogue.
        name: an entry's name, or the path of a Python file.

    Returns:
        The class or function itself.

    Raises:
        RequestError: there is no such entry.
    """
    path = source(kind, name)
    wanted = _definition(path).name
    if name.endswith(".py"):
        return getattr(_local_module(path.resolve()), wanted)
    for plugin in _plugins(kind):
        if plugin.name == name:
            return plugin.load()
    return getattr(importlib.import_module(f"auricle.{kind}.{name}"), wanted)


def make(kind: str, spec: Spec, *given: object, **known: object) -> Any:
    """An instance of the entry.

    Args:
        kind: the catalogue.
        spec: name and settings; checked here again, so that a component is never built from unchecked values.
        *given: what the pipe already knows, by position (`sample_rate` for front ends, `bins` for models, `dim, classes` for heads).
        **known: the same, by name.

    Returns:
        The instance; the function itself where the entry is a function.

    Raises:
        RequestError: as `check` says.
    """
    checked = check(kind, spec)
    made = load(kind, spec.name)
    return made(*given, **known, **checked.args) if inspect.isclass(made) else made


def nearest(word: str, legal: list[str]) -> str:
    """The end of an error sentence: "; did you mean x?" where one is near, else the whole list."""
    close = difflib.get_close_matches(word, legal, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; there are {', '.join(legal)}" if legal else "; there are none"


def _typed(setting: Setting, value: object, where: str) -> object:
    if not setting.annotation:
        return value
    import msgspec  # 20 ms that asking what there is need not pay

    wanted = eval(setting.annotation, {"__builtins__": {}}, {**_TYPES, **_builtin_types()})  # noqa: S307 - our own source text
    try:
        return msgspec.convert(value, wanted, strict=True, dec_hook=lambda kind, given: kind(given))
    except (msgspec.ValidationError, TypeError) as wrong:
        raise RequestError(f"{where} is {value!r}, which is not {setting.annotation}") from wrong


def _builtin_types() -> dict[str, object]:
    return {"int": int, "float": float, "bool": bool, "str": str, "tuple": tuple, "dict": dict, "list": list, "None": None}


def _setting(arg: ast.arg, default: ast.expr | None, *, positional: bool) -> Setting:
    annotation = ast.unparse(arg.annotation) if arg.annotation else ""
    try:
        value = REQUIRED if default is None else _literal(default)
    except ValueError as wrong:
        raise RequestError(f"the default of {arg.arg} is {ast.unparse(default or arg)}, which is not a literal") from wrong
    return Setting(arg.arg, annotation, value, positional)


def _flavoured(kind: str, spec: Spec, where: str) -> dict[str, object]:
    if "flavour" not in spec.args:
        return spec.args
    flavour, known = spec.args["flavour"], flavours(kind, spec.name)
    if flavour not in known:
        raise RequestError(f"{where}.flavour is {flavour!r}, which {spec.name} doesn't have{nearest(str(flavour), list(known))}")
    published = {k: v for k, v in known[str(flavour)].items() if k != "sample_rate"}
    return {**published, **{k: v for k, v in spec.args.items() if k != "flavour"}}


@cache
def _flavour_file(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _literal(default: ast.expr) -> object:
    if isinstance(default, ast.Call) and ast.unparse(default.func) == "Path" and len(default.args) == 1:
        return Path(ast.literal_eval(default.args[0]))
    return ast.literal_eval(default)


def _tree(path: Path) -> ast.Module:
    return _parsed(path, path.stat().st_mtime_ns)


@cache
def _parsed(path: Path, changed: int) -> ast.Module:  # noqa: ARG001 - an edited file is another key
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError) as wrong:
        raise RequestError(f"{path} is not Python that can be parsed: {wrong}") from wrong


def _definition(path: Path) -> ast.ClassDef | ast.FunctionDef:
    plain = path.stem.replace("_", "").lower()
    for node in _tree(path).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name.replace("_", "").lower() == plain:
            return node
    raise RequestError(f"{path} holds no class or function that spells the file's name, {path.stem!r}")


@cache
def _plugins(kind: str) -> tuple[EntryPoint, ...]:
    from importlib.metadata import entry_points

    return tuple(entry_points(group=f"auricle.{kind}"))


def _local_module(path: Path) -> ModuleType:
    return _imported(path, path.stat().st_mtime_ns)


@cache
def _imported(path: Path, changed: int) -> ModuleType:
    # Two files of one name are two modules, and so is a file that was edited since.
    name = f"auricle_local_{path.stem}_{sha256(f'{path}{changed}'.encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise RequestError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
