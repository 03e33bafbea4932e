"""Small files, small functions, few parameters."""

from __future__ import annotations

import ast
import statistics

from auricle import catalog

LINES, BODY, PARAMETERS = 400, 60, 8
HANDED_OVER = {"auricle.catalog", "auricle.cli"}  # what is made, and what click parsed, has parameters of its own


def test_files_are_short(sources):
    long = {str(s.path): n for s in sources if (n := s.text.count("\n")) > LINES}
    assert not long
    assert statistics.median(s.text.count("\n") for s in sources) <= 150


def test_function_bodies_are_short(sources):
    long = []
    for source in sources:
        for function, _ in source.functions():
            first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
            lines = (function.body[-1].end_lineno or 0) - first.lineno + 1
            if lines > BODY:
                long.append(f"{source.where(function)} {function.name}: {lines} lines")
    assert not long, "\n".join(long)


def test_parameters_are_few(sources):
    many = []
    for source in sources:
        for function, public in source.functions():
            args = function.args
            plain = [a for a in args.posonlyargs + args.args if a.arg not in ("self", "cls")]
            # A constructor's settings are a recipe's section, a verb's parameters a command's options: by keyword, each with a default.
            part = source.name.split(".")
            settings = len(part) > 2 and part[1] in catalog.kinds() and function.name in ("__init__", part[2])
            if public and not settings and len(plain) + len(args.kwonlyargs) > PARAMETERS:
                many.append(f"{source.where(function)} {function.name}: {len(plain) + len(args.kwonlyargs)} parameters")
            if args.kwarg and source.name not in HANDED_OVER and public:
                many.append(f"{source.where(function)} {function.name} takes **{args.kwarg.arg}")
    assert not many, "\n".join(many)


def test_no_file_is_a_drawer(sources):
    drawers = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base", "tools"}
    assert not [str(s.path) for s in sources if s.path.stem.strip("_") in drawers or s.path.parent.name in drawers]


def test_the_tree_is_two_deep(sources):
    assert not [s.name for s in sources if s.name.count(".") > 2]
