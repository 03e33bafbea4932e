from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle.datasets._corpus import open_corpus
from auricle.datasets._division import divide
from auricle.datasets.label_files import LabelFiles, regions
from auricle.errors import DataError
from auricle.settings import Split
from auricle.types import Item, Spec

Tree = Callable[..., Path]
AUDACITY = "0.5\t1.5\tdog\n\\\t300.0\t4000.0\n2\t2.25\tcat, black\n"
RAVEN = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies\tNotes\n"
    "1\tWaveform 1\t1\t0.5\t1.5\t0.0\t8000.0\tWOTH\tfaint\n1\tSpectrogram 1\t1\t0.5\t1.5\t300.0\t4000.0\tWOTH\tfaint\n"
    '2\tSpectrogram 1\t1\t0.25\t1.0\t300.0\t4000.0\tEA"TO\t\n'
)


def put(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.labels.txt", "a.audacity.txt", "a.wav.txt", "a.Table.1.selections.txt", "a.selections.txt"])
def test_label_files_under_their_usual_names(name: str, tree: Tree) -> None:
    root = tree(["deep/a.wav", "deep/b.wav"])
    put(root / "deep" / name, AUDACITY)
    assert [(i.path.name, i.start, i.stop, *i.target) for i in LabelFiles().items(root)] == [
        ("a.wav", 0.5, 1.5, "dog"),
        ("a.wav", 2.0, 2.25, "cat, black"),
    ]
    assert [(s.path.name, s.reason) for s in LabelFiles().skipped(root)] == [("b.wav", "has no label file beside it")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
def test_encodings_line_ends_and_decimal_commas(encoding: str, tmp_path: Path) -> None:
    text = AUDACITY.replace("dog", "Käuzchen").replace(".", ",").replace("\n", "\r\n")
    assert [(r.start, r.stop, r.label) for r in regions(put(tmp_path / "a.txt", text, encoding))] == [
        (0.5, 1.5, "Käuzchen"),
        (2.0, 2.25, "cat, black"),
    ]


def test_raven_counts_each_selection_once_and_sorts_by_time(tmp_path: Path) -> None:
    assert [(r.start, r.stop, r.label) for r in regions(put(tmp_path / "a.txt", RAVEN))] == [(0.25, 1.0, 'EA"TO'), (0.5, 1.5, "WOTH")]
    assert [r.label for r in regions(tmp_path / "a.txt", column="notes")] == ["", "faint"]
    with pytest.raises(DataError, match="no column 'specie'; did you mean species"):
        regions(tmp_path / "a.txt", column="specie")


def test_a_folder_of_recordings_and_labels_is_recognised(tree: Tree) -> None:
    root = tree(["mon/a.wav", "mon/b.wav", "tue/c.wav"])
    for name, label in (("mon/a", "dog"), ("mon/b", "cat"), ("tue/c", "dog")):
        put(root / f"{name}.txt", f"0.0\t0.02\t{label}\n0.02\t0.05\tcat\n")
    corpus = open_corpus(str(root))
    assert corpus.spec.name == "label_files"
    assert corpus.task.labels == ("cat", "dog")
    made = divide(corpus.items, Split(), seed=0)
    assert not {i.path for i in made.test} & {i.path for i in made.train}


def test_notes_beside_clips_do_not_make_labels(tree: Tree) -> None:
    root = tree(["dog/1.wav", "cat/1.wav"])
    for name in ("dog/1.txt", "cat/1.txt"):
        put(root / name, "recorded in the rain\n")
    assert open_corpus(str(root)).spec.name == "folder"


def test_a_pattern_says_the_group(tree: Tree) -> None:
    root = tree(["site1_mon.wav", "site1_tue.wav", "site2_mon.wav"])
    for path in list(root.iterdir()):
        put(path.with_suffix(".txt"), "0\t0.04\tdog\n")
    assert [i.group for i in LabelFiles(pattern=r"(?P<group>site\d)_").items(root)] == ["site1", "site1", "site2"]


def test_points_empty_texts_and_specks_are_left_out_and_listed(tree: Tree) -> None:
    root = tree(["a.wav"])
    put(root / "a.txt", "1\t1\tpoint\n2\t3\t \n4\t4.001\tspeck\n-0.0\t1\tdog\n")
    assert [i.target for i in LabelFiles().items(root)] == [("dog",)]
    assert [s.reason for s in LabelFiles().skipped(root)] == [
        "a.txt line 1 marks the point 1 s; wanted a stretch (or data.point_seconds)",
        "a.txt line 2 has no text, so the stretch from 2 to 3 s has no label",
        "a.txt line 3 marks 0.001 s; wanted 0.02 s or more",
    ]
    assert Item(root / "a.wav", ("point",), start=0.75, stop=1.25) in list(LabelFiles(point_seconds=0.5).items(root))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hello\n", "line 1 is 'hello'; wanted start, end and label"),
        ("0\t1\tdog\n1\tx\tdog\n", "line 2 is"),
        ("0\t1\tdog\n3\t2\tdog\n", "line 2 goes from 3 to 2 s"),
        ("-1\t1\tdog\n", "line 1 goes from -1 to 1 s"),
        ("nan\t1\tdog\n", "line 1"),
        ("Selection\tBegin Time (s)\tSpecies\n", "no column 'End Time"),
        ("Selection\tBegin Time (s)\tEnd Time (s)\n1\t0\t1\n", "no column with labels; it has selection, begin time"),
        ("Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\t0\t\tX\n", "line 2 has the times '0' and ''"),
    ],
)
def test_what_is_neither_format_is_said_with_its_line(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=sentence):
        regions(put(tmp_path / "a.txt", text))


def test_what_nobody_labelled_can_be_a_class(tmp_path: Path) -> None:
    pytest.importorskip("auricle.audio.probe")
    soundfile.write(tmp_path / "a.wav", np.zeros(8000 * 20), 8000)
    put(tmp_path / "a.txt", "2\t4\tdog\n3\t6\tcat\n19.99\t20\tdog\n")
    corpus = open_corpus(str(tmp_path), Spec("label_files", {"background": "quiet", "background_seconds": 5.0, "min_seconds": 0.01}))
    quiet = [(i.start, i.stop) for i in corpus.items if i.target == ("quiet",)]
    thirds = [6.0, 6.0 + 13.99 / 3, 6.0 + 2 * 13.99 / 3, 19.99]
    assert quiet == [(0.0, 2.0), *(pytest.approx(pair, abs=1e-5) for pair in pairwise(thirds))]
    assert corpus.task.labels == ("cat", "dog", "quiet")


def test_real_label_tracks(shared: Path) -> None:
    folder = shared / "fixtures" / "annotations_crowsetta"
    songs = sorted(folder.glob("*.audacity.txt"))
    assert [len(regions(f)) for f in songs] == [77, 48, 59, 19, 52]
    for file in songs:
        track = regions(file)
        assert [r.start for r in track] == sorted(r.start for r in track)
        assert {r.label for r in track} >= {"SIL"}
    spectral = next(folder.glob("*spinetail*"))
    assert Counter(r.label for r in regions(spectral)).keys() == {"SP", "CRER"}
    assert len(regions(spectral)) == sum(not line.startswith("\\") for line in spectral.read_text().splitlines())


def test_real_selection_tables(shared: Path) -> None:
    fixtures = shared / "fixtures"
    counts = {f.name.split("Segment_")[1][:2]: len(regions(f)) for f in fixtures.glob("annotations_crowsetta/*.selections.txt")}
    assert (counts["01"], counts["02"], counts["06"]) == (0, 6, 344)
    assert regions(next((fixtures / "raven").glob("*EmptyExample*"))) == []
    marked = regions(next((fixtures / "raven").glob("*MSD-0003*")))
    assert {r.label for r in marked} == {"", "EATO", "LOWA", "WOTH"}
    assert [r.label for r in regions(next((fixtures / "raven").glob("*Annotation_col*")))] == ["CSWA"]
    with pytest.raises(DataError, match="wanted start, end and label"):
        regions(next(fixtures.glob("annotations_crowsetta/*utf16.TextGrid")))
