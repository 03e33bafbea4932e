from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from auricle.datasets._corpus import Corpus, open_corpus
from auricle.datasets._votes import most_voted, tally
from auricle.datasets.table import Table
from auricle.errors import DataError, RequestError
from auricle.types import Item, Spec, Task

Tree = Callable[..., Path]


def put(root: Path, text: str, *, name: str = "clips.csv", encoding: str = "utf-8") -> str:
    (root / name).write_bytes(text.encode(encoding))
    return str(root / name)


@pytest.fixture
def root(tree: Tree) -> Path:
    return tree(["a/1.wav", "a/2.wav", "b,c/3.wav"])


WHOLE = 'path,label,split,fold,group,start,stop\na/1.wav,dog,train,1,rex,0.5,1.25\na/2.wav,cat,val,2,tom,,\n"b,c/3.wav",dog,test,1,rex,,\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_every_column_in_every_dress(root: Path, encoding: str, separator: str) -> None:
    text = WHOLE.replace('"b,c/3.wav"', "QUOTED").replace(",", separator).replace("QUOTED", '"b,c/3.wav"').replace("\n", "\r\n")
    corpus = open_corpus(put(root, text, encoding=encoding))
    assert corpus.task.labels == ("cat", "dog")
    assert corpus.task.kind == "single"
    assert corpus.items == (
        Item(root / "a/1.wav", ("dog",), start=0.5, stop=1.25, split="train", fold="1", group="rex"),
        Item(root / "a/2.wav", ("cat",), split="dev", fold="2", group="tom"),
        Item(root / "b,c/3.wav", ("dog",), split="test", fold="1", group="rex"),
    )
    assert (corpus.name, corpus.root) == ("clips", root)


def test_json_lines_with_lists(root: Path) -> None:
    rows = [{"path": "a/1.wav", "labels": ["dog", "rain"], "start": 1}, {"path": "a/2.wav", "labels": []}, {"file": 1, "path": "b,c/3.wav"}]
    corpus = open_corpus(put(root, "\n".join(map(json.dumps, rows)), name="x.jsonl"))
    assert corpus.task.kind == "multi"
    assert [i.target for i in corpus.items] == [("dog", "rain"), (), ()]
    assert corpus.items[0].start == 1.0


@pytest.mark.parametrize("mark", ["|", ";", ","])
def test_several_labels(root: Path, mark: str) -> None:
    text = f"path\tlabels\na/1.wav\tdog {mark} rain{mark}dog\na/2.wav\t\nb,c/3.wav\tcat\n"
    corpus = open_corpus(put(root, text, name="t.tsv"))
    assert corpus.task.kind == "multi"
    assert [i.target for i in corpus.items] == [("dog", "rain"), (), ("cat",)]


def test_one_label_each_is_a_single_task_unless_said_otherwise(root: Path) -> None:
    file = put(root, "path,labels\na/1.wav,dog\na/2.wav,cat\n")
    assert open_corpus(file).task.kind == "single"
    assert open_corpus(file, Spec("table", {"kind": "multi"})).task.kind == "multi"


def test_a_label_column_is_never_cut(root: Path) -> None:
    assert [i.target for i in Table().items(Path(put(root, 'path,label\na/1.wav,"dog, barking"\na/2.wav,a|b\n')))] == [
        ("dog, barking",),
        ("a|b",),
    ]


def test_other_columns_and_another_folder(root: Path) -> None:
    file = put(root / "a", "Clip,Emotion,Speaker\n1.wav,sad,x\n2.wav,glad,y\n", name="meta.csv")
    (root / "meta").mkdir()
    Path(file).rename(root / "meta/meta.csv")
    spec = Spec("table", {"path": "Clip", "label": "emotion", "group": "speaker", "folder": "../a"})
    assert [(i.path.resolve(), i.group) for i in open_corpus(str(root / "meta"), spec).items] == [
        (root / "a/1.wav", "x"),
        (root / "a/2.wav", "y"),
    ]


def test_a_folder_with_one_table_that_names_its_files(root: Path) -> None:
    put(root, "path,label\na/1.wav,dog\na/2.wav,cat\n")
    assert open_corpus(str(root)).spec.name == "table"
    put(root, "path,label\nelsewhere/1.wav,dog\n")
    assert open_corpus(str(root)).spec.name == "folder"
    put(root, "path,tags\na/1.wav,loud\n")
    assert open_corpus(str(root)).spec.name == "folder"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,label\na/1.wav,dog\na/9.wav,cat\n", r"row 3 names .*9\.wav, which is not there"),
        ("path,label\n\n\na,dog\n", "row 4 names .*a, which is a folder"),
        ("path,label\n,dog\n", "row 2 has no path"),
        ("path,label\na/1.wav,\n", "row 2 has no label"),
        ("path,label,start\na/1.wav,dog,1s\n", "row 2 has start '1s'; wanted seconds"),
        ("path,label,start\na/1.wav,dog,-1\n", "row 2 has start '-1'; wanted seconds"),
        ("path,label,stop\na/1.wav,dog,nan\n", "row 2 has stop 'nan'; wanted seconds"),
        ("path,label,start,stop\na/1.wav,dog,2,1\n", "row 2 ends at 1 s, not after its start at 2 s"),
        ("path,label,split\na/1.wav,dog,exam\n", "row 2 is in the split 'exam'; wanted train"),
        ("path,label\na/1.wav,dog\na/2.wav,cat\na/1.wav,cat\n", "row 4 repeats row 2"),
        ("path,label,label\na/1.wav,dog,cat\n", "names the column 'label' twice"),
        ("path,kind\na/1.wav,dog\n", "has no column 'label'; it has path, kind"),
        ("where,label\na/1.wav,dog\n", "has no column 'path'"),
        ("path,label\na/1.wav,dog,1,2\n", "row 2 has 4 cells, but the header names 2 columns"),
        ('path,label\n"a\nb",dog\na/1.wav,"x\n', "row 2 names|row 4"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(root: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        open_corpus(put(root, text))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [("{bad", "row 2 is not JSON"), ("[1]", "row 2 is list, not an object"), ('{"path": "a/1.wav"}', "row 2 has no label")],
)
def test_bad_json_lines(root: Path, line: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        open_corpus(put(root, '{"path": "a/2.wav", "label": "cat"}\n' + line, name="x.jsonl"))


def test_bad_rows_can_be_left_out_and_are_listed(root: Path) -> None:
    file = put(root, "path,label,start\na/1.wav,dog,\nnone.wav,dog,\na/2.wav,cat,x\nb.wav,,\na/2.wav,cat,\n")
    with pytest.raises(DataError) as error:
        open_corpus(file)
    assert "bad_rows" in error.value.hint
    corpus = open_corpus(file, Spec("table", {"bad_rows": "skip"}))
    assert [i.path.name for i in corpus.items] == ["1.wav", "2.wav"]
    assert [s.reason.split("clips.csv ")[1][:5] for s in corpus.skipped] == ["row 3", "row 4", "row 5"]


def test_no_text_and_too_many_tables(root: Path) -> None:
    (root / "clips.csv").write_bytes(b"path,label\n" + b"a/1.wav,\x00dog\n" * 3)
    with pytest.raises(DataError, match="is not text"):
        open_corpus(str(root / "clips.csv"))
    put(root, "path,label\n", name="more.tsv")
    with pytest.raises(DataError, match=r"holds 2 tables \(clips.csv, more.tsv\)"):
        open_corpus(str(root), Spec("table"))


def test_old_windows_text(root: Path) -> None:
    corpus = open_corpus(put(root, "path,label\na/1.wav,Müll\na/2.wav,Tür\n", encoding="cp1252"))
    assert corpus.task.labels == ("Müll", "Tür")


JUDGED = """path,e1,e2,e3,split
a/1.wav,Anger;,Anger; Neutral;,,train
a/2.wav,sad,neutral,,
"b,c/3.wav",,,,
"""


def judged(root: Path, kind: str = "auto", **settings: object) -> Corpus:
    where = put(root, JUDGED.replace("Neutral", "neutral"))
    return open_corpus(where, Spec("table", {"annotators": ["E1", "e2", "e3"], "kind": kind, **settings}))


def test_votes_of_annotators(root: Path) -> None:
    corpus = judged(root, "distribution")
    assert corpus.task == Task(("Anger", "neutral", "sad"), "distribution")
    assert [(i.target, i.votes) for i in corpus.items] == [(("Anger", "neutral"), (1.5, 0.5)), (("sad", "neutral"), (1.0, 1.0))]
    (silent,) = corpus.skipped
    assert silent.reason == f"{root / 'clips.csv'} row 4 was judged by none of the 3 annotators"


def test_majority_of_annotators(root: Path) -> None:
    (root / "clips.csv").write_text("")
    extra = "a/2.wav,sad,sad,neutral,,1,2\n"
    text = JUDGED.replace("split\n", "split,start,stop\n").replace('"b,c/3.wav"', f'{extra}"b,c/3.wav"')
    corpus = open_corpus(put(root, text), Spec("table", {"annotators": ["e1", "e2", "e3"]}))
    assert corpus.task == Task(("Anger", "sad"), "single")
    assert [(i.target, i.votes, i.start) for i in corpus.items] == [(("Anger",), (), 0.0), (("sad",), (), 1.0)]
    assert [each.reason.partition(" row ")[2] for each in corpus.skipped] == [
        "3 has no most voted label: sad and neutral have 1 of its votes each",
        "5 was judged by none of the 3 annotators",
    ]


def test_thirds_make_no_false_majority() -> None:
    votes = tally((("a", "b", "c"), ("a", "b", "c"), ("b", "a", "c"), ("c",), ("b",)))
    assert votes == pytest.approx({"b": 2.0, "c": 2.0, "a": 1.0})
    assert set(most_voted(tuple(votes), tuple(votes.values()))) == {"b", "c"}


def test_annotators_in_json_lists(root: Path) -> None:
    rows = [{"path": "a/1.wav", "r1": ["x, y", "z"], "r2": "z"}, {"path": "a/2.wav", "r1": "x, y", "r2": None}]
    where = put(root, "\n".join(map(json.dumps, rows)), name="x.jsonl")
    corpus = open_corpus(where, Spec("table", {"annotators": ["r1", "r2"], "kind": "distribution", "separator": "|"}))
    assert [(i.target, i.votes) for i in corpus.items] == [(("z", "x, y"), (1.5, 0.5)), (("x, y",), (1.0,))]


def test_a_table_of_annotators_says_what_to_set(root: Path) -> None:
    with pytest.raises(DataError, match="no column 'label', but 2 that look like annotators: rater_1, rater_2") as found:
        open_corpus(put(root, "path,rater_1,rater_2\na/1.wav,x,y\n"))
    assert found.value.hint.startswith("""--set 'data.annotators=["rater_1", "rater_2"]'""")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kind": "distribution"}, "annotators names no columns"),
        ({"kind": "multi", "annotators": ["e1"]}, "wanted single"),
        ({"label": "e1", "annotators": ["e1"]}, "wanted one of the two"),
        ({"annotators": ["e1", "E1"]}, "a column twice"),
    ],
)
def test_settings_that_do_not_meet(root: Path, settings: dict[str, object], told: str) -> None:
    with pytest.raises(RequestError, match=told):
        open_corpus(put(root, JUDGED), Spec("table", settings))


def test_no_such_annotator(root: Path) -> None:
    with pytest.raises(DataError, match="has no column 'e4'; there are path, e1, e2, e3, split"):
        open_corpus(put(root, JUDGED), Spec("table", {"annotators": ["e1", "e4"]}))
