"""What training begins with where nobody said; the shipped recipe that tunes; one line tells."""

from __future__ import annotations

import functools
import json
import threading
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from tests.test_pretrained import published

from auricle import bundle as bundles
from auricle import pretrained
from auricle import recipe as recipes
from auricle.learning import experiment, record, transfer
from auricle.verbs._begin import best_start
from auricle.verbs.train import recipe_for

NAME = "mobile_net.mn04"


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random weights in place of mn04, in a cache of their own."""
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    torch.save(published(NAME), tmp_path / "x.pt")
    return pretrained.bring(replace(pretrained.about(NAME), checksums=()), source=tmp_path / "x.pt")


def test_without_weights_from_scratch_and_told_why(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path))
    assert recipe_for("clips", "", ()) == recipes.read("default")
    told = capsys.readouterr().err
    assert told.startswith("recipe: default; from scratch, since the weights mobile_net.mn04 are not on this machine")
    assert "AURICLE_OFFLINE is set" in told
    assert told.count("\n") == 1
    monkeypatch.delenv("AURICLE_OFFLINE")
    monkeypatch.setattr(pretrained, "about", lambda name, about=pretrained.about: replace(about(name), address="http://127.0.0.1:9/x.pt"))
    name, why = best_start(())
    assert name == "default"
    assert "could not be brought" in why


def test_with_weights_they_are_begun_with(cached, capsys):
    assert recipe_for("clips", "", ("seed=1",)) == recipes.read("transfer", ("seed=1",))
    told = capsys.readouterr().err
    assert "recipe: transfer; begins with mobile_net.mn04" in told
    assert recipe_for("clips", "", ("train.epochs=1",)) == recipes.read("transfer", ("transfer.probe_above=0", "train.epochs=1"))
    capsys.readouterr()
    assert "--recipe default" in told
    assert recipe_for("clips", "default", ()) == recipes.read("default")
    assert recipe_for("esc10", "", ()) == recipes.read("esc10")
    assert capsys.readouterr().err == ""


def test_they_are_fetched_where_they_can_be(tmp_path, monkeypatch):
    served = tmp_path / "served"
    served.mkdir()
    torch.save(published(NAME), served / "x.pt")
    serving = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(SimpleHTTPRequestHandler, directory=str(served)))
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AURICLE_OFFLINE")
    entry = replace(pretrained.about(NAME), address=f"http://127.0.0.1:{serving.server_port}/x.pt", checksums=())
    monkeypatch.setattr(pretrained, "about", lambda _name: entry)
    name, why = best_start(())
    serving.shutdown()
    thread.join()
    serving.server_close()
    assert (name, "was fetched (4.1 MB, MIT)" in why) == ("transfer", True)
    assert entry.here


@pytest.mark.parametrize("setting", ["model.name=crnn", "sample_rate=8000", "frontend.flavour=panns_32k", 'transfer.weights=""'])
def test_another_network_begins_from_scratch(cached, setting):
    name, why = best_start(("train.epochs=3", setting))
    assert name == "default"
    assert setting.partition(".")[0].partition("=")[0] in why
    assert best_start(("transfer.freeze=0.5", "train.lr=0.001"))[0] == "transfer"


def test_the_recipe_tunes_the_network_that_its_weights_are_of(cached, tones, tmp_path):
    settings = ("train.epochs=1", "train.progress=false", 'train.device="cpu"', "augment=[]", 'head={name="mlp_pool", hidden=512}')
    recipe = recipes.read("transfer", settings)
    of = recipes.parse(pretrained.about(NAME).recipe)
    assert (recipe.frontend, recipe.model, recipe.sample_rate) == (of.frontend, of.model, of.sample_rate)
    ready = experiment.prepare(str(tones), recipe, bar=lambda title, total: lambda: None)
    training = experiment.training(ready)
    head = training.objective.pipe.head
    assert torch.equal(head.embed[0].weight.detach(), published(NAME)["classifier.2.weight"])  # only the layer of the classes is new
    assert head.linear.out_features == 3
    record.begin(tmp_path / "run", ready.recipe, data=str(tones), budget="")
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["transfer"]["weights"] == NAME
    assert transfer.origin(ready.recipe)["license"] == "MIT"
    bundles.save(bundles.Bundle(training.objective.pipe, ready.recipe, ready.corpus.task), tmp_path / "run" / "bundle")
    again = recipes.parse({**recipe.tree(), "transfer": {"weights": str(tmp_path / "run")}})  # a run is a beginning too
    assert experiment.training(experiment.prepare(str(tones), again, bar=lambda title, total: lambda: None))
