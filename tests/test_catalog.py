"""The file tree as the registry."""

from __future__ import annotations

import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from auricle import catalog
from auricle.errors import RequestError
from auricle.types import Spec

LOCAL = '''"""A net of my own.

More.
"""


class MyNet:
    """A net.

    Args:
        bins: bins.
        width: how wide,
            in channels.
        mode: which.
        ratio: share.
    """

    def __init__(
        self, bins: int, *, width: int = 4, mode: Literal["a", "b"] = "a", ratio: float = -0.5, shape: tuple[int, ...] = (1, 2)
    ) -> None:
        self.given = (bins, width, mode, ratio, shape)
'''


@pytest.fixture
def local(tmp_path):
    path = tmp_path / "my_net.py"
    path.write_text(LOCAL.replace("class MyNet", "from typing import Literal\n\n\nclass MyNet"), encoding="utf-8")
    return str(path)


def test_every_entry_has_its_class_and_a_summary():
    for kind in catalog.kinds():
        for name in catalog.names(kind):
            assert catalog.summary(kind, name).strip(), f"{kind}/{name}"
            catalog.settings(kind, name)
            assert not name.startswith("_")


@pytest.mark.parametrize("kind", ["frontends", "models", "heads", "losses", "augments", "datasets", "deciders", "metrics"])
def test_every_setting_can_be_set(kind):
    """A type that only its file knows the name of could not be checked: its default must pass, as it would from a recipe."""
    for name in catalog.names(kind):
        for setting in (s for s in catalog.settings(kind, name) if not s.positional and s.default is not catalog.REQUIRED):
            catalog.check(kind, Spec(name, {"flavour": ""} if setting.name == "flavour" else {setting.name: setting.default}))


def test_kinds_are_folders_that_hold_components():
    assert {"models", "frontends", "heads", "losses", "datasets", "verbs"} <= set(catalog.kinds())
    assert not {"audio", "learning", "recipes", "__pycache__"} & set(catalog.kinds())


def test_a_local_file_is_an_entry(local):
    assert catalog.summary("models", local) == "A net of my own."
    assert [s.name for s in catalog.settings("models", local)] == ["bins", "width", "mode", "ratio", "shape"]
    assert catalog.explained("models", local)["width"] == "how wide, in channels."
    made = catalog.make("models", Spec(local, {"width": 8, "shape": [3, 4]}), 40)
    assert made.given == (40, 8, "a", -0.5, (3, 4))


def test_an_edited_local_file_is_read_again(local):
    assert catalog.make("models", Spec(local), 1).given[1] == 4
    Path(local).write_text(Path(local).read_text(encoding="utf-8").replace("width: int = 4", "width: int = 5"), encoding="utf-8")
    os.utime(local, ns=(1, 1))
    assert catalog.make("models", Spec(local), 1).given[1] == 5


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"widht": 3}, "models.widht is not a setting of .*; did you mean width?"),
        ({"bins": 3}, "models.bins is not a setting"),
        ({"width": "ten"}, "models.width is 'ten', which is not int"),
        ({"width": 1.5}, "models.width is 1.5, which is not int"),
        ({"width": True}, "models.width is True, which is not int"),
        ({"mode": "c"}, "models.mode is 'c'"),
        ({"ratio": "0.5"}, "models.ratio is '0.5', which is not float"),
        ({"shape": 3}, "models.shape is 3"),
    ],
)
def test_settings_are_checked_before_anything_is_imported(local, args, said):
    before = set(sys.modules)
    with pytest.raises(RequestError, match=said):
        catalog.check("models", Spec(local, args))
    assert not {m for m in set(sys.modules) - before if "my_net" in m}


def test_whole_numbers_are_floats_too(local):
    assert catalog.check("models", Spec(local, {"ratio": 2})).args["ratio"] == 2.0


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("modles", "cnn", "did you mean models"),
        ("models", "cmn", "did you mean c?nn"),
        ("models", "./nowhere.py", "is not a file"),
        ("audio", "read", "is not a catalogue"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(kind, name, said):
    with pytest.raises(RequestError, match=said):
        catalog.source(kind, name)


def test_a_file_without_its_class_says_so(tmp_path):
    path = tmp_path / "thing.py"
    path.write_text("class Other: pass\n", encoding="utf-8")
    with pytest.raises(RequestError, match="spells the file's name, 'thing'"):
        catalog.settings("models", str(path))
    path.write_text("class Thing(:\n", encoding="utf-8")
    with pytest.raises(RequestError, match="can be parsed"):
        catalog.settings("models", str(path))


def test_a_default_that_is_not_a_literal_is_refused(tmp_path):
    path = tmp_path / "thing.py"
    path.write_text("class Thing:\n    def __init__(self, *, x: int = 1 + len('ab')) -> None: ...\n", encoding="utf-8")
    with pytest.raises(RequestError, match="not a literal"):
        catalog.settings("models", str(path))


def test_other_packages_add_entries(tmp_path, monkeypatch):
    package = tmp_path / "their_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('listing must not import')\n", encoding="utf-8")
    (package / "their_net.py").write_text(LOCAL.replace("class MyNet", "from typing import Literal\n\n\nclass TheirNet"), encoding="utf-8")
    (package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins = (EntryPoint("their_net", "their_package.their_net:TheirNet", "auricle.models"),)
    plain = catalog._plugins
    monkeypatch.setattr(catalog, "_plugins", lambda kind: plugins if kind == "models" else plain(kind))
    assert "their_net" in catalog.names("models")
    assert catalog.summary("models", "their_net") == "A net of my own."
    assert catalog.make("models", Spec("their_net", {"width": 9}), 2).given[:2] == (2, 9)


def test_args_of_a_google_docstring():
    text = "One.\n\nArgs:\n    a: first\n        and on.\n    *b: second: with a colon.\n\nReturns:\n    c: nothing.\n"
    assert catalog.arguments(text) == {"a": "first and on.", "b": "second: with a colon."}
