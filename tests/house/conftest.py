"""The package's source, parsed once, for the tests that read it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Source:
    """One module: its dotted name, path, text and syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    def where(self, node: ast.stmt | ast.expr) -> str:
        """File and line of a node."""
        return f"{self.path.relative_to(ROOT)}:{node.lineno}"

    def functions(self) -> list[tuple[ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
        """Every function, and whether it is public: neither it nor what holds it begins with an underscore."""
        found = []

        def walk(node: ast.AST, public: bool) -> None:
            for child in ast.iter_child_nodes(node):
                named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                inner = public and not (named and child.name.startswith("_") and child.name != "__init__")
                if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                    found.append((child, inner))
                walk(child, inner)

        walk(self.tree, not self.path.stem.startswith("_") or self.path.stem == "__init__")
        return found


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def sources() -> list[Source]:
    """Every module of the package."""
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        text = path.read_text(encoding="utf-8")
        found.append(Source(name, path, text, ast.parse(text)))
    assert len(found) > 20
    return found
