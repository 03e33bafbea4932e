"""Whether a network stays as it is: asked of training clips, answered by groups left out, told, and settled for good."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from tests.tones import TINY

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.errors import RequestError
from auricle.feed import Feed
from auricle.learning import experiment, frozen, probe
from auricle.types import Item, Task
from auricle.verbs.train import recipe_for, train

TASK = Task(("noise", "octave", "tone"))
SETTINGS = ("train.device=cpu", "train.progress=false", "train.epochs=1", "split.test_fraction=0.3", "feed.seconds=0.4")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))


def asking(taught, least, **more):
    return recipes.parse({**TINY, "transfer": {"weights": str(taught), "probe_above": least, **more}})


def decide(recipe, items, task=TASK):
    feed = Feed(task, recipe)
    feed.survey(items)
    return frozen.decided(recipe, feed, items, bar=lambda title, total: lambda: None)


@pytest.fixture
def items(tones):
    return [Item(path, (path.parent.name,), group=path.name[-5]) for path in sorted(tones.rglob("*.wav"))]


def test_a_share_above_what_was_asked_leaves_the_network_as_it_is(taught, items):
    settled, told = decide(asking(taught, 0.5), items)
    assert settled.transfer.probe == "linear"
    assert settled.transfer.probe_above == 0
    assert (settled.augment, settled.head.name) == ((), "mean_pool")
    assert "so the network stays so; --set transfer.probe_above=0 tunes it" in told
    chance = np.random.default_rng(0)
    shuffled = [dataclasses.replace(item, target=(str(chance.choice(TASK.labels)),)) for item in items]
    recipe = asking(taught, 0.8)
    settled, told = decide(recipe, shuffled)
    assert settled == dataclasses.replace(recipe, transfer=dataclasses.replace(recipe.transfer, probe_above=0.0))
    assert "less than 80%, so the network is tuned" in told


def test_the_share_is_that_of_a_slow_obvious_version(taught, items):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    recipe = experiment.resolved(recipes.parse({**TINY, "augment": [], "transfer": {"weights": str(taught), "probe": "linear"}}))
    feed = Feed(TASK, recipe)
    pipe = bundles.load(taught).pipe
    pipe = bundles.Pipe(pipe.frontend, pipe.model, bundles.build(recipe, TASK).head).eval()
    found = probe.trial(pipe, feed, items)
    with torch.no_grad():
        waves = [torch.from_numpy(np.ascontiguousarray(feed.wave(item))) for item in items]
        rows = np.stack([pipe.hidden(wave[None], torch.tensor([len(wave)]))[0].mean(-1)[0].numpy() for wave in waves])
    truth = np.array([TASK.labels.index(item.target[0]) for item in items])
    shares = []
    for penalty in (1000.0, 100.0, 10.0, 1.0, 0.1):
        likely = named = 0.0
        for rest, out in StratifiedGroupKFold(5, shuffle=True, random_state=0).split(rows, truth, [item.group for item in items]):
            mean, spread = rows[rest].mean(0), rows[rest].std(0) + 1e-9
            fitted = LogisticRegression(C=1 / penalty, max_iter=300).fit((rows[rest] - mean) / spread, truth[rest])
            shares_of = fitted.predict_proba((rows[out] - mean) / spread)
            likely += np.log(shares_of[np.arange(len(out)), truth[out]]).sum()
            named += (shares_of.argmax(1) == truth[out]).sum()
        shares.append((likely, named / len(rows)))
    assert found == pytest.approx(max(shares)[1], abs=1e-9)


def test_nothing_is_tried_where_only_tuning_would_do(taught, items, monkeypatch):
    monkeypatch.setattr(probe, "trial", lambda *_: pytest.fail("tried"))
    assert decide(asking(taught, 0.0), items) == (asking(taught, 0.0), "")
    for recipe, task in ((asking(taught, 0.5, teachers=["x"]), TASK), (asking(taught, 0.5), dataclasses.replace(TASK, kind="multi"))):
        settled, told = decide(recipe, items, task)
        assert (settled.transfer.probe, settled.transfer.probe_above, told) == ("", 0.0, "")
    monkeypatch.setattr(frozen, "_FEW", 23)
    assert decide(asking(taught, 0.5), items)[1] == ""  # 24 clips
    with pytest.raises(RequestError, match="asks whether a network stays as it is"):
        decide(asking("", 0.5), items)


def test_a_run_that_asks_is_a_run_of_what_was_found(tones, taught, tmp_path, capsys):
    recipe = tmp_path / "asking.json"
    recipe.write_text(json.dumps(asking(taught, 0.4).tree()))
    done = train(str(tones), recipe=str(recipe), set_=(*SETTINGS, "transfer.probe_above=0.4"), out=tmp_path / "stays")
    assert "so the network stays so" in capsys.readouterr().err
    assert "linear probe" in done.metrics["protocol"]["selection"]
    written = json.loads((done.run / "recipe.json").read_text())["transfer"]
    assert (written["probe"], written["probe_above"]) == ("linear", 0.0)
    again = train(resume=done.run)  # tries no more
    assert "classifier upon" not in capsys.readouterr().err
    assert again.metrics["scores"] == done.metrics["scores"]
    tuned = train(str(tones), recipe=str(recipe), set_=SETTINGS, out=tmp_path / "tuned")  # epochs are of training
    assert tuned.metrics["protocol"]["selection"].startswith("last epoch")


@pytest.mark.parametrize("setting", ["train.epochs=3", "augment=[]", "loss.name=focal", "transfer.freeze=0.5", "head.name=mean_pool"])
def test_settings_of_training_mean_training(taught, setting):
    assert recipe_for("clips", "transfer", ("seed=1", "train.progress=false")).transfer.probe_above == 0.8
    assert recipe_for("clips", "transfer", (setting,)).transfer.probe_above == 0.0
    assert recipe_for("clips", "transfer", (setting, "transfer.probe_above=0.6")).transfer.probe_above == 0.6
