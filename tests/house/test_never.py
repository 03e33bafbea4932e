"""What must not exist in the package: pickles, prints, globals, paths of one machine."""

from __future__ import annotations

import ast


def calls(tree: ast.Module) -> list[tuple[ast.Call, str]]:
    """Every call and the text of what is called."""
    return [(node, ast.unparse(node.func)) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def pickles(tree: ast.Module) -> list[ast.expr | ast.stmt]:
    """Imports of pickle and its like, and loads that could run a pickle."""
    found: list[ast.expr | ast.stmt] = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if {n.partition(".")[0] for n in names} & {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}:
            assert isinstance(node, ast.stmt)
            found.append(node)
    for call, name in calls(tree):
        given = {k.arg: ast.unparse(k.value) for k in call.keywords}
        unsafe = name.endswith("torch.load") and given.get("weights_only") != "True"
        if unsafe or given.get("allow_pickle", "False") != "False" or name in {"torch.save", "torch.jit.load"}:
            found.append(call)
    return found


def test_no_pickle_on_any_path(sources):
    assert not [source.where(node) for source in sources for node in pickles(source.tree)]


def test_the_reader_of_pickles_sees_each_form():
    code = (
        "import pickle\nfrom dill import load\ntorch.load(p)\ntorch.load(p, weights_only=True)\nnp.load(p, allow_pickle=True)\nnp.load(p)\n"
    )
    assert sorted(node.lineno for node in pickles(ast.parse(code))) == [1, 2, 3, 5]


def test_the_library_neither_prints_nor_keeps_globals(sources):
    wrong = [s.where(call) for s in sources for call, name in calls(s.tree) if name == "print"]
    wrong += [s.where(node) for s in sources for node in ast.walk(s.tree) if isinstance(node, ast.Global)]
    assert not wrong


def test_no_machine_and_no_unfinished_work_is_named(sources, root):
    texts = {s.path: s.text for s in sources}
    texts |= {p: p.read_text(encoding="utf-8") for p in [*root.glob("*.md"), *root.glob("docs/**/*.md"), root / "Makefile"]}
    words = ("/" + "work/", "/" + "root/", "TO" + "DO", "FIX" + "ME")
    assert not [f"{path}: {word}" for path, text in texts.items() for word in words if word in text]
