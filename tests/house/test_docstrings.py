"""Every module says what it holds, every array says its shape first."""

from __future__ import annotations

import ast
import re

import pytest

from auricle import catalog

ARRAY = re.compile(r"^(torch\.)?Tensor$|^(np\.)?(NDArray|ndarray)\b|^(Real|Truth)$")


def returned(document: str) -> str:
    """The Returns section of a Google docstring."""
    _, _, after = document.partition("\nReturns:\n")
    return after.strip()


def shapeless(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Names of array parameters whose Args line does not begin with a shape, and `return` likewise."""
    document = ast.get_docstring(function) or ""
    lines = catalog.arguments(document)
    arrays = [a.arg for a in function.args.args + function.args.kwonlyargs if a.annotation and ARRAY.match(ast.unparse(a.annotation))]
    found = [name for name in arrays if lines and not lines.get(name, "").startswith("[")]
    if function.returns and ARRAY.match(ast.unparse(function.returns)) and returned(document) and not returned(document).startswith("["):
        found.append("return")
    return found


def test_modules_say_what_they_hold(sources):
    silent = [str(s.path) for s in sources if not ast.get_docstring(s.tree)]
    assert not silent
    ends = [str(s.path) for s in sources if (ast.get_docstring(s.tree) or "").partition("\n")[0][-1:] not in (".", ":", "…", "?")]
    assert not ends, f"the first line is the entry's description, a sentence: {ends}"


def test_public_functions_say_what_comes_out(sources):
    silent = []
    for source in sources:
        for function, public in source.functions():
            spoken = ast.get_docstring(function) or ast.unparse(function.body) == "..."  # a protocol's line says it by its types
            if public and not function.name.startswith("_") and not spoken and not nested(source.tree, function):
                silent.append(f"{source.where(function)} {function.name}")
    assert not silent, "\n".join(silent)


def nested(tree: ast.Module, function: ast.AST) -> bool:
    """Whether a function stands inside another."""
    inside = (n for f in ast.walk(tree) if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef) for b in f.body for n in ast.walk(b))
    return any(n is function for n in inside)


def test_arrays_say_their_shape_first(sources):
    wrong = [
        f"{s.where(f)} {f.name}: {', '.join(names)}" for s in sources for f, public in s.functions() if public and (names := shapeless(f))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("line", "found"),
    [("[B, T] samples.", []), ("samples, [B, T].", ["wave"]), ("", ["wave"])],
)
def test_the_reader_of_shapes(line, found):
    code = f'def f(wave: Tensor) -> int:\n    """One.\n\n    Args:\n        wave: {line}\n    """\n'
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    assert shapeless(function) == found
