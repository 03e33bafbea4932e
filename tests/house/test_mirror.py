"""Tests mirror the tree: a folder of tests is a folder of the package, and no module outside the catalogues is without a test."""

from __future__ import annotations

import ast

from auricle import catalog

OWN = {"house", "reference"}


def test_folders_of_tests_are_folders_of_the_package(root):
    folders = {p.name for p in (root / "tests").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert not {f for f in folders - OWN if not (root / "src" / "auricle" / f).is_dir()}


def named(tree: ast.Module) -> set[str]:
    """Modules of auricle that a test imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("auricle"):
            found |= {str(node.module), *(f"{node.module}.{a.name}" for a in node.names)}
        elif isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
    return found


def test_modules_outside_the_catalogues_are_tested(root, sources):
    """A catalogue's entries are covered by its battery, a verb by any test that names its command; all else some test imports."""
    batteries = set(catalog.names("contracts"))
    tests = sorted((root / "tests").rglob("test_*.py"))
    trees = [ast.parse(p.read_text(encoding="utf-8")) for p in tests if p.parent.name != "house" or "one_file" in p.name]
    imported = set().union(*(named(tree) for tree in trees))
    said = {n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    spelt = {p.stem.removeprefix("test_") for p in tests}
    missing = []
    for source in sources:
        part = source.name.split(".")
        private = part[-1].startswith("_")
        if len(part) == 1 or source.path.name == "__init__.py" or private or part[1] in batteries:
            continue
        called = part[1] == "verbs" and part[-1] in said
        if source.name not in imported and part[-1] not in spelt and not called:
            missing.append(source.name)
    assert not missing, f"no test imports {', '.join(missing)}"
