"""What a run's folder says is what was measured, in files that anything can read."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from auricle.bundle import Bundle, build
from auricle.datasets._corpus import Corpus
from auricle.datasets._division import Division
from auricle.feed import Feed
from auricle.learning import record
from auricle.learning.experiment import Judged, Prepared
from auricle.learning.progress import Progress
from auricle.types import Item, Skipped, Spec, Task

CARD = {"rule": "Two judge.", "digest": "abc", "selection": "last epoch", "train_clips": 7}


def case(kind="single"):
    from tests.tones import recipe_of

    task = Task(("a", "b"), kind)
    recipe = recipe_of()
    items = tuple(Item(Path(f"/clips/{name}.wav"), target, group=group) for name, target, group in GIVEN[kind])
    corpus = Corpus("small", Path("/clips"), task, items, "CC0", "", "", Spec("folder"))
    prepared = Prepared(corpus, Division((), (), items, "Two judge.", "abc"), recipe, Feed(task, recipe), (), ())
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]])
    truth = np.array([0, 1, 1, 1]) if kind == "single" else np.array([[1, 0], [0, 1], [1, 1], [0, 1]])
    return prepared, Judged(items, p, p, truth, np.tile([0.25, 0.75], (4, 1))), Bundle(build(recipe, task), recipe, task, 1.5, (), CARD)


GIVEN = {
    "single": [("one", ("a",), "x"), ("zwei – 二", ("b",), "x"), ("three", ("b",), "y"), ("four", ("b",), "y")],
    "multi": [("one", ("a",), "x"), ("two", ("b",), "x"), ("three", ("a", "b"), "y"), ("four", ("b",), "y")],
}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_predictions_name_the_most_probable_label(tmp_path):
    prepared, judged, _ = case()
    record.predictions(tmp_path, prepared, judged)
    found = rows(tmp_path / "predictions.csv")
    assert [(r["truth"], r["prediction"], r["score"]) for r in found] == [
        ("a", "a", "0.900000"),
        ("b", "a", "0.600000"),
        ("b", "b", "0.700000"),
        ("b", "b", "0.800000"),
    ]
    assert found[1]["path"] == "/clips/zwei – 二.wav"
    assert found[1]["p:b"] == "0.400000"


def test_many_labels_are_named_where_their_thresholds_say(tmp_path):
    prepared, judged, _ = case("multi")
    record.predictions(tmp_path, prepared, judged)
    assert [r["prediction"] for r in rows(tmp_path / "predictions.csv")] == ["a", "a", "a", "b"]


def test_metrics_hold_figures_protocol_and_calibration(tmp_path):
    prepared, judged, bundle = case()
    written = record.metrics(tmp_path, prepared, bundle, judged)
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8")) == written
    assert written["scores"]["accuracy"]["value"] == pytest.approx(0.75)
    assert written["scores"]["balanced_accuracy"]["value"] == pytest.approx((1 + 2 / 3) / 2)
    assert written["confusion"] == [[1, 0], [1, 2]]
    assert written["calibration"]["temperature"] == 1.5
    protocol = written["protocol"]
    assert (protocol["test_clips"], protocol["test_groups"], protocol["train_clips"]) == (4, 2, 7)
    assert (protocol["rule"], protocol["selection"], protocol["digest"]) == ("Two judge.", "last epoch", "abc")


def test_clips_of_one_recording_are_one_group(tmp_path):
    prepared, judged, bundle = case()
    night = tuple(
        dataclasses.replace(item, path=Path("/clips/night.flac"), group="", start=float(i)) for i, item in enumerate(judged.items)
    )
    mixed = (*night[:3], dataclasses.replace(night[3], path=Path("/clips/day.flac"), group="field"))
    written = record.metrics(tmp_path, prepared, bundle, dataclasses.replace(judged, items=mixed))
    assert written["protocol"]["test_groups"] == 2
    assert written["interval"]["unit"] == "group"


def test_the_log_keeps_what_was_not_measured_empty(tmp_path):
    at = Progress(rows=[{"epoch": 0.0, "lr": 0.1, "train_loss": 2.0, "seconds": 1.0, "data_seconds": 0.1}])
    record.log(tmp_path, at)
    (row,) = rows(tmp_path / "log.csv")
    assert (row["train_loss"], row["dev_loss"]) == ("2.0", "")


def test_skipped_files_keep_their_reasons(tmp_path):
    record.skipped(tmp_path, (Skipped(Path("a,b.wav"), 'is "empty"'),))
    assert rows(tmp_path / "skipped.csv") == [{"path": "a,b.wav", "reason": 'is "empty"'}]


def test_a_run_that_begins_forgets_older_figures_and_names_its_machine(tmp_path):
    prepared, judged, bundle = case()
    record.metrics(tmp_path, prepared, bundle, judged)
    record.begin(tmp_path, prepared.recipe, data="small", budget="5m")
    assert not (tmp_path / "metrics.json").exists()
    environment = record.recorded(tmp_path / "environment.json")
    assert environment["identity"] == prepared.recipe.identity
    assert environment["time"] == "5m"
    assert environment["packages"]["torch"]
    assert json.loads((tmp_path / "recipe.json").read_text(encoding="utf-8")) == prepared.recipe.tree()
