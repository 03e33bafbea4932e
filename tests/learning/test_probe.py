"""A probe leaves the network as it is, computes each embedding once, and makes an ordinary run."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest
import torch
from tests.tones import TINY

from auricle import bundle as bundles
from auricle import catalog, pipe, runtime
from auricle import recipe as recipes
from auricle.errors import RequestError
from auricle.feed import Feed
from auricle.learning import embeddings as kept
from auricle.learning import experiment, probe
from auricle.types import Item, Spec, Task
from auricle.verbs.evaluate import evaluate
from auricle.verbs.train import train

QUICK = ("train.device=cpu", "train.progress=false", "split.test_fraction=0.3", "split.dev_fraction=0.0", "feed.seconds=0.4")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embeddings"


def _train(tones, taught, out, *more):
    return train(str(tones), set_=(f"transfer.weights={taught}", *QUICK, *more), out=out)


@pytest.mark.parametrize("kind", ["linear", pytest.param("knn", marks=pytest.mark.slow)])
def test_a_probe_makes_an_ordinary_run_that_needs_its_source_no_more(tones, taught, tmp_path, kind):
    moved = tmp_path / "moved"
    shutil.copytree(taught, moved)
    done = _train(tones, moved, tmp_path / "run", f"transfer.probe={kind}")
    shutil.rmtree(moved)
    run = done.run
    for name in ("metrics.json", "report.html", "model.onnx", "bundle/bundle.json", "predictions.csv", "MODEL_CARD.md"):
        assert (run / name).is_file(), name
    (row,) = csv.DictReader((run / "log.csv").read_text().splitlines())  # no epochs, but time
    assert (row["epoch"], float(row["seconds"]) > 0) == ("", True)
    assert done.metrics["scores"]["accuracy"]["value"] > 0.6  # of three classes
    assert f"{kind} probe" in json.loads((run / "metrics.json").read_text())["protocol"]["selection"]
    found, known = bundles.load(run), bundles.load(taught)
    for name, value in known.pipe.state_dict().items():
        if not name.startswith("head."):
            assert torch.equal(found.pipe.state_dict()[name], value), name
    assert found.recipe.head.name == {"linear": "mean_pool", "knn": "knn"}[kind]
    assert found.recipe.augment == ()
    answer = runtime.load(run / "model.onnx").predict(next(tones.glob("tone/*.wav")))
    assert answer
    again = evaluate(str(run), out=tmp_path / "again")
    assert again.metrics["scores"]["accuracy"]["value"] == done.metrics["scores"]["accuracy"]["value"]


def test_embeddings_are_computed_once_and_never_stale(tones, taught, tmp_path, cache, monkeypatch):
    counted = []
    hidden = pipe.Pipe.hidden
    monkeypatch.setattr(pipe.Pipe, "hidden", lambda self, wave, length: counted.append(1) or hidden(self, wave, length))
    recipe = experiment.resolved(recipes.parse({**TINY, "augment": [], "transfer": {"weights": str(taught), "probe": "linear"}}))
    task = Task(("noise", "octave", "tone"))
    feed = Feed(task, recipe)
    items = [Item(path, (path.parent.name,)) for path in sorted(tones.rglob("*.wav"))[:6]]
    network = bundles.build(recipe, task).eval()
    first = kept.embeddings(network, feed, items)
    assert len(counted) == 6
    again = kept.embeddings(network, feed, items)
    assert len(counted) == 6
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one, two)
    with torch.no_grad():
        wanted, steps = hidden(network, torch.from_numpy(feed.wave(items[2]))[None], torch.tensor([len(feed.wave(items[2]))]))
    np.testing.assert_allclose(again[2], network.head.embedding(wanted, steps).detach().numpy(), rtol=0, atol=1e-6)
    with torch.no_grad():
        next(network.model.parameters()).add_(1e-3)  # other weights
    kept.embeddings(network, feed, items[:1])
    assert len(counted) == 7
    for damaged in cache.rglob("*.npy"):
        damaged.write_bytes(damaged.read_bytes()[:100])
    assert np.array_equal(kept.embeddings(network, feed, items[:1])[0], kept.embeddings(network, feed, items[:1])[0])
    assert len(counted) == 8
    assert not list(cache.rglob("*.part"))


def test_the_linear_probe_is_logistic_regression_on_standardised_embeddings():
    from sklearn.linear_model import LogisticRegression

    chance = np.random.default_rng(2)
    rows = (chance.normal(size=(90, 7)) * np.arange(1, 8) + 5).astype(np.float32)
    truth = (rows[:, 1] > 5).astype(int) + (rows[:, 3] > 6)
    clips = probe.Clips(rows, np.ones(90), np.eye(3, dtype=np.float32)[truth], np.arange(90).astype(str))
    layer = probe._linear(clips, 2.0, Task(("a", "b", "c")), balanced=False)
    scaled = (rows - rows.mean(0)) / rows.std(0)
    wanted = LogisticRegression(C=0.5, max_iter=1000).fit(scaled, truth).predict_proba(scaled)
    with torch.no_grad():
        np.testing.assert_allclose(layer(torch.from_numpy(rows)).softmax(-1).numpy(), wanted, atol=2e-3)


def test_a_feature_that_never_changes_has_no_say():
    chance = np.random.default_rng(3)
    rows = np.concatenate([chance.normal(size=(60, 2)), np.full((60, 1), 1e-5), np.full((60, 1), 0.1)], axis=1).astype(np.float32)
    truth = (rows[:, 0] > 0).astype(int)
    clips = probe.Clips(rows, np.ones(60), np.eye(2, dtype=np.float32)[truth], np.arange(60).astype(str))
    layer = probe._linear(clips, 1.0, Task(("a", "b")), balanced=False)
    other = torch.from_numpy(rows * np.float32(1 + 1e-6))
    with torch.no_grad():
        assert (layer(other).argmax(-1).numpy() == truth).mean() > 0.95


@pytest.mark.parametrize(("labels", "classes"), [([0, 1], 2), ([0, 2], 3), ([1], 3)])
def test_classes_that_are_missing_are_never_likely(labels, classes):
    chance = np.random.default_rng(0)
    truth = np.resize(labels, 40)
    rows = (chance.normal(size=(40, 3)) + 4 * truth[:, None]).astype(np.float32)
    clips = probe.Clips(rows, np.ones(40), np.eye(classes, dtype=np.float32)[truth], np.arange(40).astype(str))
    layer = probe._linear(clips, 1.0, Task(tuple("abc"[:classes])), balanced=False)
    with torch.no_grad():
        likely = layer(torch.from_numpy(rows)).softmax(-1).numpy()
    assert (likely.argmax(-1) == truth).mean() > 0.95
    assert likely[:, [k for k in range(classes) if k not in labels]].max(initial=0.0) < 0.01


def test_regularisation_is_chosen_by_groups_that_are_left_out():
    """Within a group all clips are alike, so only a choice by groups sees that a loose fit remembers groups."""
    chance = np.random.default_rng(4)
    groups = np.repeat(np.arange(12), 10)
    truth = groups % 2
    centre = chance.normal(size=(12, 30)) * 3
    centre[:, 0] += 2.0 * (np.arange(12) % 2)
    rows = (centre[groups] + 0.05 * chance.normal(size=(120, 30))).astype(np.float32)
    recipe = recipes.parse({"transfer": {"probe": "linear"}})
    task = Task(("a", "b"))
    target = np.eye(2, dtype=np.float32)[truth]
    by_group, _ = probe._chosen(probe.Clips(rows, np.ones(120), target, groups.astype(str)), recipe, task)
    by_clip, _ = probe._chosen(probe.Clips(rows, np.ones(120), target, np.arange(120).astype(str)), recipe, task)
    assert by_group > by_clip


@pytest.mark.parametrize("kind", ["single", "multi"])
@pytest.mark.parametrize("each", [1, 2, 3])
def test_classes_of_few_clips_are_parted_into_as_many_as_they_have(kind, each):
    """Five parts of classes of three clips there are not; a second label of a clip is no clip more."""
    rows = np.random.default_rng(2).normal(size=(3 * each, 4)).astype(np.float32)
    target = np.eye(3, dtype=np.float32)[np.arange(3 * each) % 3]
    if kind == "multi":
        target[:, 2] = 1.0
    clips = probe.Clips(rows, np.ones(3 * each), target, np.arange(3 * each).astype(str))
    parts = list(probe._parts(clips, 0))
    assert len(parts) == (each if each > 1 else 0)
    assert sorted(np.concatenate([out for _, out in parts] or [np.empty(0, int)])) == list(range(3 * each if parts else 0))


def test_several_labels_a_clip_are_probed_too():
    chance = np.random.default_rng(1)
    rows = chance.normal(size=(80, 4)).astype(np.float32)
    target = (rows[:, :3] > 0).astype(np.float32)
    target[:, 2] = 0.0  # never
    clips = probe.Clips(rows, np.ones(80), target, np.arange(80).astype(str))
    for kind in ("linear", "mlp", "knn"):
        recipe = recipes.parse({"transfer": {"probe": kind}})
        task = Task(("a", "b", "c"), "multi")
        best, _ = probe._chosen(clips, recipe, task)
        fitted = probe._fitted(clips, recipe, task, best)
        with torch.no_grad():
            x = torch.from_numpy(rows)
            likely = (fitted(x) if kind == "linear" else fitted(x[..., None], torch.ones(80, dtype=torch.int64))).sigmoid().numpy()
        assert ((likely > 0.5) == (target > 0.5)).mean() > 0.9
        assert likely[:, 2].max() < 0.2


def test_what_a_probe_cannot_do_is_refused(taught):
    with pytest.raises(RequestError, match=r"recipe.head is attention_pool; the probe 'knn' makes a head knn of its own"):
        experiment.resolved(recipes.parse({"head": "attention_pool", "transfer": {"probe": "knn"}}))
    recipe = recipes.parse({**TINY, "transfer": {"probe": "linear"}})
    task = Task(("a", "b"), "frames")
    with pytest.raises(RequestError, match="a probe is fitted to one label a clip, or to several"):
        probe.fit(bundles.build(recipe, task), Feed(task, recipe), ())


def test_neighbours_vote_by_distance():
    head = catalog.make("heads", Spec("knn", {"neighbours": 3, "known": 6, "temperature": 0.1}), 2, 2)
    known = torch.tensor([[1.0, 0.1], [1.0, -0.1], [0.9, 0.0], [-1.0, 0.1], [-1.0, -0.1], [-0.9, 0.0]])
    head.learn(known, torch.tensor([[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 3))
    likely = head(torch.tensor([[[2.0], [0.0]], [[-2.0], [0.1]]]), torch.tensor([1, 1])).softmax(-1)
    assert likely[0, 0] > 0.99
    assert likely[1, 1] > 0.99
