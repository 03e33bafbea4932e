from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from auricle.datasets._corpus import open_corpus
from auricle.datasets.folder import Folder
from auricle.errors import DataError, RequestError
from auricle.types import Item

Tree = Callable[..., Path]


def read(root: Path, **settings: str) -> dict[str, Item]:
    return {i.path.relative_to(root).as_posix(): i for i in Folder(**settings).items(root)}


def test_a_folder_per_class(tree: Tree) -> None:
    root = tree(["dog/2.wav", "dog/10.wav", "cat/1.flac", "cat/ü n.ogg", ".hidden/1.wav", "dog/.x.wav", "__MACOSX/dog/._2.wav"])
    (root / "dog" / "notes.txt").write_text("good dog")
    (root / "LICENSE").write_text("yours")
    items = read(root)
    assert list(items) == ["cat/1.flac", "cat/ü n.ogg", "dog/10.wav", "dog/2.wav"]
    assert [i.target for i in items.values()] == [("cat",), ("cat",), ("dog",), ("dog",)]
    assert {(i.group, i.split, i.fold) for i in items.values()} == {("", "", "")}
    assert not list(Folder().skipped(root))


def test_one_folder_deeper_is_the_group(tree: Tree) -> None:
    items = read(tree(["dog/rex/1.wav", "dog/rex/a/2.wav", "dog/fido/1.wav", "cat/tom/1.wav", "cat/2.wav"]))
    assert [i.group for i in items.values()] == ["", "tom", "fido", "rex", "rex"]
    assert items["dog/rex/a/2.wav"].target == ("dog",)


def test_one_name_inside_every_class_is_no_group(tree: Tree) -> None:
    assert {i.group for i in read(tree(["dog/wav/1.wav", "cat/wav/1.wav"])).values()} == {""}


def test_train_and_test_folders_are_splits(tree: Tree) -> None:
    items = read(tree(["Train/dog/1.wav", "val/dog/rex/1.wav", "test/dog/tom/1.wav", "test/cat/1.wav"]))
    assert {p: (i.split, *i.target, i.group) for p, i in items.items()} == {
        "Train/dog/1.wav": ("train", "dog", ""),
        "val/dog/rex/1.wav": ("dev", "dog", "rex"),
        "test/dog/tom/1.wav": ("test", "dog", "tom"),
        "test/cat/1.wav": ("test", "cat", ""),
    }


def test_classes_called_train_and_bus_are_classes(tree: Tree) -> None:
    assert {i.target for i in read(tree(["train/1.wav", "bus/1.wav"])).values()} == {("train",), ("bus",)}


def test_fold_folders(tree: Tree) -> None:
    items = read(tree(["fold1/dog/1.wav", "fold10/dog/1.wav", "fold2/cat/1.wav"]))
    assert [(i.fold, *i.target) for i in items.values()] == [("fold1", "dog"), ("fold10", "dog"), ("fold2", "cat")]


def test_another_layout(tree: Tree) -> None:
    items = read(tree(["ann/x/yes/1.wav", "bob/y/no/1.wav"]), layout="group/-/label")
    assert [(i.group, *i.target) for i in items.values()] == [("ann", "yes"), ("bob", "no")]


def test_a_pattern_reads_the_name(tree: Tree) -> None:
    items = read(tree(["all/7_theo_3.wav", "all/1_ann_2.wav"]), pattern=r"/(?P<label>\d)_(?P<group>[^_]+)_\d+\.wav$")
    assert [(i.group, *i.target) for i in items.values()] == [("ann", "1"), ("theo", "7")]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"pattern": "("}, "is not a regular expression"),
        ({"pattern": "(.*)"}, "names nothing; wanted"),
        ({"pattern": "(?P<speaker>.*)"}, "names speaker; wanted"),
        ({"layout": "class/speaker"}, "wanted folders from the top out of label"),
        ({"layout": "label/label"}, "each once"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, str], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        Folder(**settings)


def test_a_file_that_the_pattern_does_not_fit_is_named(tree: Tree) -> None:
    with pytest.raises(DataError, match=r"a/odd\.wav does not match data\.pattern"):
        read(tree(["a/1_x.wav", "a/odd.wav"]), pattern=r"(?P<group>\d)_")


def test_sound_without_a_known_suffix_and_what_is_no_sound(tree: Tree) -> None:
    root = tree(["dog/1.take", "dog/2", "cat/1.wav", "lost.wav"])
    (root / "cat" / "thing.bin").write_bytes(b"\x00" * 100)
    corpus = open_corpus(str(root))
    assert [i.path.name for i in corpus.items] == ["1.wav", "1.take", "2"]
    assert {(s.path.name, s.reason) for s in corpus.skipped} == {
        ("thing.bin", "is not sound, by its name or its first bytes"),
        ("lost.wav", "lies beside the class folders, so nothing says its class"),
    }


def test_a_linked_folder_is_followed_once(tree: Tree) -> None:
    root = tree(["dog/1.wav", "cat/1.wav"])
    (root / "dog" / "again").symlink_to(root)
    assert list(read(root)) == ["cat/1.wav", "dog/1.wav"]
