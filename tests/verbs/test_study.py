"""Studies run: the table against figures pooled by hand, nothing trained twice, a row that fails, one protocol."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from tests.tones import TINY

from auricle import bundle as bundles
from auricle import cli, recipe, studies
from auricle.errors import DataError, RequestError
from auricle.exporters.onnx import Onnx
from auricle.learning.loop import Training
from auricle.types import Task
from auricle.verbs import _study_runs as runs

STUDY = """
title = "Widths"
question = "Does width matter?"
corpora = ["folded.csv"]
seeds = 2
recipe = "tiny.json"

[[row]]
name = "narrow"

[[row]]
name = "no weights"
set = ['transfer.weights="mobile_net.mn04"']

[[row]]
name = "taught"
teacher = "narrow"
set = ["model.width=6", "loss.name=distillation", "transfer.teaching=cached"]

[[row]]
name = "taught by nobody"
teacher = "no weights"
set = ["loss.name=distillation"]
"""


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def place(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a study, its recipe and a table of two folds and four groups; the study is asked for there."""
    folder = tmp_path_factory.mktemp("study")
    clips = [f"{p},{p.parent.name},{'ab'[int(p.stem) % 2]},s{int(p.stem) % 4}" for p in sorted(tones.rglob("*.wav"))]
    (folder / "folded.csv").write_text("path,label,fold,group\n" + "\n".join(clips) + "\n")
    (folder / "tiny.json").write_text(json.dumps({**TINY, "train": {**TINY["train"], "epochs": 3}}))
    (folder / "widths.toml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def table(place: Path) -> dict[str, dict[str, str]]:
    """The study run; to spare seconds, only the first network is exported, and the others are said to be none that can be."""
    write = Onnx.write

    def once(self: Onnx, bundle: Any, path: Path) -> None:
        if "narrow" not in path.parts:
            raise RequestError("it can't be")
        write(self, bundle, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Onnx, "write", once)
        assert cli.main(["study", "widths.toml"]) == 3
    return told(place)


def told(place: Path) -> dict[str, dict[str, str]]:
    with (place / "runs" / "study" / "widths" / "table.csv").open(encoding="utf-8", newline="") as file:
        return {row["row"]: row for row in csv.DictReader(file)}


def folds(place: Path, row: str, seed: int) -> list[Path]:
    (run,) = (place / "runs" / "study" / "widths" / "folded" / row).glob(f"seed-{seed}-*")
    return [run / "a", run / "b"]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", ["narrow", "taught"])
def test_figures_are_means_of_what_the_folds_answered(place, table, row):
    found: dict[str, list[float]] = {"accuracy": [], "balanced_accuracy": [], "macro_f1": []}
    seconds = []
    for seed in (0, 1):
        pooled = [clip for fold in folds(place, row, seed) for clip in rows_of(fold / "predictions.csv")]
        assert len({clip["path"] for clip in pooled}) == len(pooled) == 24
        truth, named = [clip["truth"] for clip in pooled], [clip["prediction"] for clip in pooled]
        found["accuracy"].append(accuracy_score(truth, named))
        found["balanced_accuracy"].append(balanced_accuracy_score(truth, named))
        found["macro_f1"].append(f1_score(truth, named, average="macro", zero_division=0.0))
        seconds += [sum(float(epoch["seconds"]) for epoch in rows_of(fold / "log.csv")) for fold in folds(place, row, seed)]
    for name, values in found.items():
        value, low, high = (float(table[row][key]) for key in (name, f"{name}_low", f"{name}_high"))
        assert value == pytest.approx(sum(values) / 2, abs=1e-4)
        assert low <= value <= high
    assert table[row]["uar_of_each_seed"] == " ".join(f"{value:.4f}" for value in found["balanced_accuracy"])
    assert float(table[row]["seconds_a_fold"]) == pytest.approx(median(seconds), abs=0.06)
    assert (table[row]["seeds"], table[row]["begins_from"], table[row]["selection"]) == ("2", "random", "last epoch")
    count = sum(p.numel() for p in bundles.load(folds(place, row, 0)[0]).pipe.parameters())
    assert int(table[row]["trainable"]) == int(table[row]["parameters"]) == count
    if row == "narrow":
        assert 0 < float(table[row]["latency_ms"]) < 1000
    else:
        assert (table[row]["latency_ms"], table[row]["notes"]) == ("", "not exported: it can't be; taught by narrow")


def test_gains_are_over_the_first_row(table):
    assert table["narrow"]["uar_gain"] == table["narrow"]["compared_with"] == ""
    gain = float(table["taught"]["balanced_accuracy"]) - float(table["narrow"]["balanced_accuracy"])
    assert float(table["taught"]["uar_gain"]) == pytest.approx(gain, abs=2e-4)
    assert table["taught"]["compared_with"] == "narrow"


def test_a_row_that_fails_is_told_and_the_others_go_on(place, table):
    assert table["no weights"]["seeds"] == "0"
    assert "the weights mobile_net.mn04 are not on this machine" in table["no weights"]["notes"]
    assert table["no weights"]["begins_from"] == "mobile_net.mn04"
    assert "its teacher, no weights, could not be trained" in table["taught by nobody"]["notes"]
    page = (place / "runs" / "study" / "widths" / "table.md").read_text()
    assert "| no weights | mobile_net.mn04 | 0 | – |" in page
    assert "Each of 2 folds judges once" in page
    assert "last epoch" in page


def test_teachers_are_those_of_the_same_fold_and_seed(place, table):
    for seed in (0, 1):
        for fold, teacher in zip(folds(place, "taught", seed), folds(place, "narrow", seed), strict=True):
            named = recipe.read(fold / "recipe.json").transfer.teachers
            assert [Path(each).resolve() for each in named] == [teacher.resolve()]
            digests = {json.loads((each / "metrics.json").read_text())["protocol"]["digest"] for each in (fold, teacher)}
            assert len(digests) == 1


def test_what_is_trained_is_not_trained_again(place, table, monkeypatch, capsys):
    trained, train = [], Training.run

    def counted(self: Training, *arguments: Any) -> Any:
        trained.append((self.recipe.seed, self.recipe.split.test, self.recipe.model.args["width"]))
        return train(self, *arguments)

    monkeypatch.setattr(Training, "run", counted)
    assert cli.main(["study", "widths.toml", "--json"]) == 3
    assert not trained
    printed = json.loads(capsys.readouterr().out)
    assert [row["row"] for row in printed["tables"][0]["rows"]] == list(table)
    measured = {"latency_ms"}
    assert {name: {k: v for k, v in row.items() if k not in measured} for name, row in told(place).items()} == {
        name: {k: v for k, v in row.items() if k not in measured} for name, row in table.items()
    }
    gone = folds(place, "narrow", 1)[1]
    for each in (gone, gone.parent):
        (each / "metrics.json").unlink()
    assert cli.main(["study", "widths.toml", "--rows", "narrow"]) == 0
    assert trained == [(1, "b", 4)]
    assert "narrow" in capsys.readouterr().out


def test_the_protocol_is_the_studys(place, capsys):
    assert cli.main(["study", "widths.toml", "--set", "split.dev_fraction=0.2"]) == 2
    assert "which is the protocol's; all rows are under one" in capsys.readouterr().err
    assert cli.main(["study", "widths.toml", "--set", "model.wdth=3"]) == 2
    assert "study widths, row 'narrow': model.wdth is not a setting" in capsys.readouterr().err
    assert cli.main(["study", "widths.toml", "--seeds", "-1"]) == 2
    assert cli.main(["study", "widths.toml", "--data", "nowhere"]) == 2
    assert cli.main(["study", "widths.toml", "--data", "folded.csv", "--data", "./folded.csv"]) == 2


def test_rows_judged_by_other_clips_are_not_compared(place, table):
    one, other = (runs.opened(folds(place, row, 0)[0].parent) for row in ("narrow", "taught"))
    other.refuse_other_protocol(one, same_seed=True)
    for changed in (
        replace(other, clips=other.clips[1:]),
        replace(other, digests={**other.digests, "b": "0"}),
        replace(other, protocol={**other.protocol, "selection": "epoch of the lowest development loss, patience 3"}),
    ):
        with pytest.raises(DataError, match=r"other clips|was selected by"):
            changed.refuse_other_protocol(one, same_seed=True)
    replace(other, digests={**other.digests, "b": "0"}).refuse_other_protocol(one, same_seed=False)


def test_frozen_parameters_are_not_counted_as_trained(tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise RequestError("it can't be")

    monkeypatch.setattr(Onnx, "write", refuse)
    task = Task(("a", "b", "c"))
    begun = recipe.parse(TINY)
    bundles.save(bundles.Bundle(bundles.build(begun, task), begun, task), tmp_path / "begun")
    tuned = recipe.parse({**TINY, "transfer": {"weights": str(tmp_path / "begun"), "learn": ["head"]}})
    pipe = bundles.build(tuned, task)
    bundles.save(bundles.Bundle(pipe, tuned, task), tmp_path / "run" / "a" / "bundle")
    (tmp_path / "run" / "a" / "metrics.json").write_text("{}")
    found = runs.costs(tmp_path / "run")
    assert found.trainable == sum(p.numel() for p in pipe.head.parameters())
    assert found.parameters == sum(p.numel() for p in pipe.parameters()) > found.trainable
    assert found.note == "not exported: it can't be"


def test_studies_are_listed(capsys):
    assert cli.main(["study"]) == 0
    listed = capsys.readouterr().out
    assert cli.main(["show", "studies"]) == 0
    assert capsys.readouterr().out == listed
    assert {line.split()[0] for line in listed.splitlines()} == set(studies.shipped())
    assert cli.main(["show", "studies", "distillation"]) == 0
    assert capsys.readouterr().out == studies.text("distillation")
