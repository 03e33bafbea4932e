"""What the constructor of every component looks like, so that a recipe, the help and the docs can be read from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from auricle import catalog
from auricle.contracts._verdict import demand


def signature(make: Callable[..., Any], given: tuple[str, ...]) -> str:
    """The constructor takes what the pipe gives by position, then keyword-only settings with annotations and defaults, all explained.

    Args:
        make: the component's class, or a partial of it.
        given: names of what the pipe passes first.

    Returns:
        How many settings there are.

    Raises:
        BrokenContractError: it doesn't.
    """
    kind = _class(make)
    parameters = list(inspect.signature(kind).parameters.values())
    names = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
    wanted = f"({', '.join(['self', *given, '*', 'settings…'])})"
    demand(names == given, f"__init__ takes {', '.join(names) or 'nothing'} by position; wanted {wanted}, every setting after the *")
    explained = catalog.arguments(inspect.getdoc(kind) or "")
    for parameter in parameters:
        demand(parameter.annotation is not parameter.empty, f"{parameter.name} has no annotation; a recipe is checked by it")
        demand(parameter.name in explained, f"{parameter.name} has no line in the Args of the class docstring; add one")
        if parameter.kind is parameter.KEYWORD_ONLY:
            literal = isinstance(parameter.default, int | float | str | tuple | bool | None)
            demand(literal, f"the default of {parameter.name} is not a literal; a recipe could not write it")
    return f"{len(parameters) - len(given)} settings, all annotated, explained and with a default"


def docstring(make: Callable[..., Any]) -> str:
    """The docstrings of the component's class and module, lower case.

    Args:
        make: the component's class, or a partial of it.

    Returns:
        Both, joined.
    """
    kind = _class(make)
    module = inspect.getmodule(kind)
    return f"{inspect.getdoc(kind) or ''}\n{(module.__doc__ if module else '') or ''}".lower()


def _class(make: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(make, partial):
        make = make.func
    return make
