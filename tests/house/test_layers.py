"""A file imports only from rows above its own (DESIGN, section 2)."""

from __future__ import annotations

import ast

ROWS = (
    "types errors processes",
    "audio catalog settings",
    "recipe studies",
    "layers share",
    "datasets augments denoisers frontends models heads losses metrics deciders audits",
    "pipe",
    "bundle",
    "backbones",
    "pretrained sampler",
    "feed",
    "learning reports language",
    "compressors exporters",
    "runtime",
    "servers contracts",
    "verbs",
    "cli",
    "__main__",
)
DATA = {"recipes", "shipped"}  # files of other kinds, and no module
ROW = {name: i for i, row in enumerate(ROWS) for name in row.split()}


def imported(tree: ast.Module) -> list[tuple[ast.stmt, str]]:
    """Every import of auricle, as the part below the package: `audio.read`, `catalog`."""
    found: list[tuple[ast.stmt, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node, a.name.removeprefix("auricle.")) for a in node.names if a.name.startswith("auricle.")]
        elif isinstance(node, ast.ImportFrom) and node.module == "auricle":
            found += [(node, a.name) for a in node.names if not a.name.startswith("__")]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("auricle."):
            found.append((node, str(node.module).removeprefix("auricle.")))
        assert not (isinstance(node, ast.ImportFrom) and node.level), "relative imports hide the direction"
    return found


def test_every_part_of_the_package_has_a_row(sources):
    parts = {s.name.split(".")[1] for s in sources if "." in s.name} - DATA
    without = sorted(parts - ROW.keys())
    assert not without, f"{', '.join(without)} stands in no row; add it where it belongs, here and in the design"


def test_imports_point_upwards(sources):
    wrong = []
    for source in sources:
        own = source.name.partition(".")[2].partition(".")[0]
        if own in {"", *DATA}:
            continue
        for node, name in imported(source.tree):
            other = name.partition(".")[0]
            if other != own and ROW[other] >= ROW[own]:
                wrong.append(f"{source.where(node)} imports {name}; {own} stands above or beside it")
    assert not wrong, "\n".join(wrong)


def test_the_package_itself_imports_nothing_of_its_own(sources):
    (package,) = (s for s in sources if s.name == "auricle")
    top = [node for node in package.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert {ast.unparse(node) for node in top} == {"from __future__ import annotations", "from importlib import import_module"}


def test_the_reader_of_imports_sees_each_form():
    tree = ast.parse("import auricle.pipe\nfrom auricle import cli, __version__\ndef f():\n    from auricle.audio.read import read\n")
    assert [name for _, name in imported(tree)] == ["pipe", "cli", "audio.read"]
