from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from auricle import catalog
from auricle.datasets._corpus import download, locate, open_corpus, published, recognise
from auricle.errors import DataError, RequestError
from auricle.types import Spec

Tree = Callable[..., Path]
COMPUTED = {"sketches"}
SPEAKER_DEPENDENT = {"fsdd"}


@pytest.mark.parametrize("name", sorted(set(published()) - COMPUTED))
def test_every_corpus_reads_its_example(name: str, tree: Tree) -> None:
    entry = catalog.make("datasets", Spec(name))
    root = tree(entry.example)
    items = list(entry.items(root))
    assert sorted(i.path.relative_to(root).as_posix() for i in items) == sorted(entry.example)
    assert entry.found(root)
    assert recognise(root) == name
    assert {label for i in items for label in i.target} <= set(entry.labels)
    assert len(set(entry.labels)) == len(entry.labels)
    assert all(i.group for i in items)
    for part in ("split", "fold"):
        sides = {i.group: {getattr(j, part) for j in items if j.group == i.group} for i in items}
        if name not in SPEAKER_DEPENDENT:
            assert all(len(s) == 1 for s in sides.values()), f"a group is in several {part}s"
    for fact in (entry.title, entry.license, entry.source, entry.citation):
        assert fact
    assert not set(catalog.document("datasets", name)) <= {""}


@pytest.mark.parametrize("name", sorted(set(published()) - COMPUTED))
def test_the_order_depends_on_names_alone(name: str, tree: Tree) -> None:
    entry = catalog.make("datasets", Spec(name))
    names = list(entry.example)
    random.Random(1).shuffle(names)
    root = tree(names)
    first = [i.path for i in entry.items(root)]
    for each in names:
        (root / each).rename(root / (each + ".moved"))
        (root / (each + ".moved")).rename(root / each)
    assert [i.path for i in entry.items(root)] == first == sorted(first, key=lambda p: p.relative_to(root).as_posix())


def test_a_corpus_in_a_folder_of_its_archive(tree: Tree) -> None:
    root = tree(f"free-spoken-digit-dataset-master/recordings/{d}_{s}_{i}.wav" for d in (0, 1) for s in ("george", "theo") for i in (4, 5))
    corpus = open_corpus(str(root))
    assert corpus.name == "fsdd"
    assert len(corpus.items) == 8
    assert corpus.task.labels == ("0", "1")
    assert corpus.license == "CC BY-SA 4.0"


def test_a_folder_of_corpora_is_none_of_them(tree: Tree) -> None:
    root = tree(["fsdd/recordings/0_george_0.wav", "emodb/wav/03a01Fa.wav"])
    assert recognise(root) == "folder"


def test_names_are_looked_for_in_the_data_folder_then_the_cache(tree: Tree, nothing_at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(["data/emodb/wav/03a01Fa.wav", "data/emodb/wav/08a01Wa.wav"])
    with pytest.raises(RequestError, match="emodb is not on this machine: looked in") as error:
        open_corpus("emodb")
    assert "AURICLE_DATA" in error.value.hint
    monkeypatch.setenv("AURICLE_DATA", str(root))
    assert locate("emodb") == root / "data" / "emodb"
    cached = nothing_at_home / "emodb"
    cached.parent.mkdir(parents=True)
    (root / "data" / "emodb").rename(cached)
    corpus = open_corpus("emodb")
    assert corpus.root == cached
    assert corpus.task.labels == ("anger", "happiness")


def test_a_corpus_under_its_published_folder_name(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tree(["ESC-50-master/audio/1-100032-A-0.wav", "ESC-50-master/audio/1-100038-A-14.wav"])
    monkeypatch.setenv("AURICLE_DATA", str(root))
    assert open_corpus("esc50").root == root / "ESC-50-master"


def test_settings_reach_the_entry(tree: Tree) -> None:
    root = tree(["a_x_1.wav", "b_x_2.wav"])
    corpus = open_corpus(str(root), Spec("folder", {"pattern": r"(?P<label>[ab])_(?P<group>\w)_"}))
    assert [(i.target, i.group) for i in corpus.items] == [(("a",), "x"), (("b",), "x")]
    assert corpus.spec.args == {"layout": "auto", "pattern": r"(?P<label>[ab])_(?P<group>\w)_"}


def test_a_recipe_that_says_nothing_lets_the_data_tell(tree: Tree) -> None:
    root = tree(["wav/03a01Fa.wav", "wav/08a01Wa.wav"])
    assert open_corpus(str(root), catalog.check("datasets", Spec("folder"))).name == "emodb"
    assert open_corpus(str(root), Spec("emodb")).spec == Spec("emodb")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("fsd", "did you mean fsdd"),
        ("./nowhere/at/all", "is not there"),
        ("nothing.csv", "is not there"),
    ],
)
def test_what_is_not_there(data: str, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=sentence):
        open_corpus(data)


def test_what_is_there_but_no_corpus(tree: Tree, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match="holds no sound files"):
        open_corpus(str(empty))
    (empty / "x.wav").touch()
    with pytest.raises(RequestError, match="neither a folder nor a table"):
        open_corpus(str(empty / "x.wav"))
    with pytest.raises(DataError, match="none in a folder that names its class"):
        open_corpus(str(empty))
    with pytest.raises(DataError, match="only the label 'data' on 2 clips; wanted at least two") as error:
        open_corpus(str(tree(["data/dog/1.wav", "data/cat/1.wav"])))
    assert str(tree([]) / "data") in error.value.hint
    with pytest.raises(DataError, match="none is one of esc50"):
        open_corpus(str(tree([])), Spec("esc50"))
    with pytest.raises(RequestError, match="not on this machine"):
        open_corpus("fsdd", Spec("esc50"))


def test_download_by_name_knows_its_names() -> None:
    with pytest.raises(RequestError, match="did you mean esc10"):
        download("esc1")


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from auricle import catalog; from auricle.datasets import _corpus, _division; from auricle.types import Spec\n"
        "for n in catalog.names('datasets'): catalog.make('datasets', Spec(n))\n"
        "print([m for m in ('torch', 'scipy', 'pandas', 'sklearn') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
