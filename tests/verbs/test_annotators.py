"""A table of five annotators through every command: trained on, judged, exported, predicted; and what the distribution is good for."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from tests.tones import TINY

from auricle import recipe as recipes
from auricle.errors import DataError
from auricle.learning import experiment
from auricle.metrics._consensus import consensus
from auricle.metrics.jensen_shannon import JensenShannon
from auricle.recipe import Recipe
from auricle.runtime import load
from auricle.verbs.evaluate import evaluate
from auricle.verbs.train import Trained, recipe_for, train

_NAMES = tuple(f"annotator {n}" for n in range(5))
_LABELS = ("calm", "sad", "tense")
_SAID = {"tone": (0.6, 0.4, 0.0), "noise": (0.0, 0.4, 0.6)}  # how a crowd would divide
_FRACTION = 0.3


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones and noises; each annotator draws from what the crowd says, one leaves out every fifth clip, one is sometimes torn."""
    folder, rng = tmp_path_factory.mktemp("judged"), np.random.default_rng(0)
    rows = []
    for n in range(60):
        sound = ("tone", "noise")[n % 2]
        wave = np.sin(2 * np.pi * rng.uniform(300, 900) * np.arange(3200) / 8000) if sound == "tone" else rng.normal(size=3200)
        soundfile.write(folder / f"{n}.wav", rng.uniform(0.05, 0.3) * wave, 8000)
        said = [str(each) for each in rng.choice(_LABELS, 5, p=_SAID[sound])]
        said[0] = "" if n % 5 == 0 else said[0]
        said[1] = "sad; calm" if n % 7 == 0 else said[1]
        rows.append([f"{n}.wav", f"speaker {n % 12}", *(said if n != 8 else [""] * 5)])
    with (folder / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "group", *_NAMES], *rows])
    return folder / "clips.csv"


def _recipe(kind: str, **more: Any) -> Recipe:
    data = {"name": "table", "annotators": list(_NAMES), "kind": kind}
    train = {**TINY["train"], "epochs": 10, "batch": 8, "ema": 0.0, "lr": 0.01}
    model = {**TINY["model"], "dropout": 0.0}
    tree = {**TINY, "data": data, "model": model, "augment": [], "train": train, "split": {"test_fraction": _FRACTION}, **more}
    return recipes.parse(tree)


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("runs")
    (folder / "recipe.json").write_text(json.dumps(_recipe("distribution", augment=[{"name": "mixup", "p": 0.5}]).tree()))
    return train(str(table), recipe=str(folder / "recipe.json"), out=folder / "run")


def test_the_run_says_what_its_figures_are_of(run: Trained) -> None:
    assert [each.reason.partition(" row ")[2] for each in run.skipped] == ["10 was judged by none of the 5 annotators"]
    assert run.metrics["task"] == {"labels": list(_LABELS), "kind": "distribution"}
    protocol, scores = run.metrics["protocol"], run.metrics["scores"]
    assert 0 < protocol["decided_clips"] < protocol["test_clips"]
    assert {"jensen_shannon", "cross_entropy", "accuracy", "balanced_accuracy", "macro_f1"} <= set(scores)
    assert f"labels by the {protocol['decided_clips']} with one most voted label" in run.text()
    assert sum(map(sum, run.metrics["confusion"])) == protocol["decided_clips"]
    assert run.metrics["calibration"]["temperature"] != 1
    with (run.run / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    shares = np.array([[float(row[f"annotators:{label}"]) for label in _LABELS] for row in rows])
    p = np.array([[float(row[f"p:{label}"]) for label in _LABELS] for row in rows])
    np.testing.assert_allclose(shares.sum(1), 1, atol=2e-6)
    np.testing.assert_allclose(p.sum(1), 1, atol=2e-6)
    assert len(consensus(shares)[0]) == protocol["decided_clips"]
    assert scores["jensen_shannon"]["value"] == pytest.approx(JensenShannon()(p, shares), abs=1e-4)
    log = (run.run / "log.csv").read_text().splitlines()
    assert 0 < float(log[-1].split(",")[3]) < float(log[1].split(",")[3]), "the divergence of the development group falls"


def test_report_and_card(run: Trained) -> None:
    page, card = ((run.run / name).read_text(encoding="utf-8") for name in ("report.html", "MODEL_CARD.md"))
    decided = f"{run.metrics['protocol']['decided_clips']} of {run.metrics['protocol']['test_clips']} clips with one most voted label"
    for text in (page, card):
        assert decided in text
        assert "Jensen-Shannon divergence" in text
    assert " bit" in page
    assert "It says how annotators would divide over 3 classes: calm, sad, tense." in card


def test_the_exported_model_gives_shares(run: Trained, table: Path) -> None:
    model = load(run.run / "model.onnx")
    assert model.kind == "distribution"
    found = model.predict(table.parent / "3.wav")
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert [d.label for d in found.decisions] == [max(found.probabilities, key=lambda label: found.probabilities[label])]
    with (run.run / "predictions.csv").open(newline="") as file:
        rows = {Path(row["path"]).name: row for row in csv.DictReader(file)}
    name, row = next(iter(rows.items()))
    again = model.predict(table.parent / name).probabilities
    assert {label: float(row[f"p:{label}"]) for label in _LABELS} == pytest.approx(again, abs=2e-4)


def test_the_same_figures_again_and_on_another_table(run: Trained, table: Path, tmp_path: Path) -> None:
    found = evaluate(str(run.run), out=tmp_path / "again")
    assert found.metrics["scores"] == run.metrics["scores"]
    other = evaluate(str(run.run), data=str(table), out=tmp_path / "other")
    assert other.metrics["protocol"]["test_clips"] == 59, "read by the run's annotators"
    labelled = table.with_name("labels.csv")
    labelled.write_text("path,label\n" + "\n".join(f"{n}.wav,{('calm', 'tense')[n % 2]}" for n in range(10)))
    one = evaluate(str(run.run), data=str(labelled), out=tmp_path / "labelled")
    assert one.metrics["protocol"]["decided_clips"] == 10, "a label is one annotator's word"
    labelled.write_text("path,labels\n0.wav,calm\n1.wav,\n2.wav,tense\n")
    with pytest.raises(DataError, match=r"no label or several for 1 of 3 clips, such as .*1\.wav; the model was trained on a distribution"):
        evaluate(str(run.run), data=str(labelled), out=tmp_path / "bare")


def test_settings_of_the_reader_need_no_name(table: Path) -> None:
    asked = f"data.annotators={json.dumps(_NAMES)}"
    found = recipe_for(str(table), "default", (asked, "data.kind=distribution")).data
    assert (found.name, found.args["annotators"], found.args["kind"]) == ("table", _NAMES, "distribution")


def test_the_distribution_is_learnt_better_from_votes_than_from_majorities(table: Path, tmp_path: Path) -> None:
    """Against what the crowd would say of the test clips: a label that 60 % give is no certainty, and only votes tell."""

    def quiet(_title: str, _total: int) -> Any:
        return lambda: None

    gone = {}
    for name, recipe in {
        "label_distribution": _recipe("distribution"),
        "soft labels": _recipe("distribution", loss={"name": "cross_entropy", "label_smoothing": 0.0}),
        "majority": _recipe("single"),
    }.items():
        prepared = experiment.prepare(str(table), recipe, bar=quiet)
        bundle = experiment.finish(experiment.training(prepared), prepared, tmp_path / name, lambda _at, _loss: None)
        judged = experiment.judge(bundle, prepared.feed, prepared.division.test)
        crowd = np.array([_SAID[("tone", "noise")[int(item.path.stem) % 2]] for item in judged.items])
        assert bundle.task.labels == _LABELS
        gone[name] = JensenShannon()(judged.probabilities, crowd)
    assert gone["label_distribution"] < 0.5 * gone["majority"], gone
    assert gone["soft labels"] < 0.5 * gone["majority"], gone
