"""A denoiser through the loop: pairs from effects, noises kept for the test, the command, and a classifier behind it, exported."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import soundfile
import torch
from tests.tones import TINY

from auricle import bundle as bundles
from auricle import cli
from auricle import recipe as recipes
from auricle.augments.add_noise import AddNoise
from auricle.errors import RequestError
from auricle.exporters.onnx import Onnx
from auricle.feed import rng
from auricle.learning import experiment, restoring, transfer
from auricle.learning.objective import Rows
from auricle.types import Batch, Task

NOISY = [{"name": "gain"}, {"name": "add_noise", "p": 1.0, "min_snr_db": 0.0, "max_snr_db": 5.0}]
TREE = {
    "sample_rate": 8000,
    "denoiser": {"name": "crn", "bands": 16, "channels": [4], "hidden": 8},
    "augment": NOISY,
    "feed": {"seconds": 0.4},
    "train": {"epochs": 3, "batch": 4, "lr": 0.01, "warmup": 0.5, "ema": 0.5, "device": "cpu", "progress": False},
}
RECIPE = """
sample_rate = 8000
feed.seconds = 0.4
train = { epochs = 1, batch = 4, device = "cpu", progress = false }
[denoiser]
name = "crn"
bands = 16
channels = [4]
hidden = 8
[[augment]]
name = "add_noise"
p = 1.0
folder = "FOLDER"
"""


@pytest.fixture(scope="module")
def noises(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noises")
    for i in range(7):
        soundfile.write(folder / f"{i}.wav", 0.1 * np.sin(np.arange(9000) * (0.05 + 0.1 * i)), 8000)
    return folder


@pytest.fixture(scope="module")
def run(tones, noises, tmp_path_factory):
    """A run of one epoch by the command."""
    folder = tmp_path_factory.mktemp("denoiser")
    (folder / "one.toml").write_text(RECIPE.replace("FOLDER", noises.as_posix()), encoding="utf-8")
    assert cli.main(["train", str(tones), "--recipe", str(folder / "one.toml"), "--out", str(folder / "run")]) == 0
    return folder / "run"


def prepared(tones, **changes):
    return experiment.prepare(str(tones), recipes.parse({**TREE, **changes}), bar=lambda title, total: lambda: None)


def test_the_target_is_the_clip_before_the_noise(tones):
    ready = prepared(tones)
    heard = {}

    class Ear(torch.nn.Module):
        def forward(self, wave, length):
            heard["noisy"] = wave
            return wave

    objective = restoring.Restoring(Ear(), ready.recipe)
    objective.loss.register_forward_pre_hook(lambda loss, given: heard.update(clean=given[1]))
    batch = Batch(torch.randn(3, 3200) * 0.1, torch.tensor([3200, 2000, 3200]), torch.zeros(3, 0))
    objective(Rows(batch, rng("chance")))
    gain = heard["clean"].norm(dim=1) / batch.wave.norm(dim=1)
    inside = torch.arange(3200)[None] < batch.length[:, None]
    assert not torch.allclose(gain, torch.ones(3), atol=0.01)  # `gain` changed both alike
    noise = (heard["noisy"] - heard["clean"]) * inside
    ratio = 10 * torch.log10((heard["clean"] * inside).square().sum(1) / noise.square().sum(1))
    assert ((ratio >= -0.01) & (ratio <= 5.01)).all()


def test_the_loop_lowers_the_loss_and_resumes_bit_for_bit(tones, tmp_path):
    ready = prepared(tones)
    whole = experiment.training(ready)
    kept = whole.run(tmp_path / "whole", lambda at, loss: None).state_dict()
    losses = [row["train_loss"] for row in whole.at.rows]
    assert losses[-1] < losses[0] - 1.0
    assert all(np.isfinite(row["dev_gain_db"]) for row in whole.at.rows)
    half = experiment.training(ready)

    def stop(at, loss):
        if at.epoch == 1 and at.step == 2:
            half.save(tmp_path / "half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half.run(tmp_path / "half", stop)
    again = experiment.training(ready)
    again.restore(tmp_path / "half")
    resumed = again.run(tmp_path / "half", lambda at, loss: None).state_dict()
    assert all(torch.equal(resumed[k], v) for k, v in kept.items())


def test_every_fifth_noise_is_kept_to_judge_by(noises):
    whole = AddNoise(8000, folder=str(noises), p=0.3)
    train, test = whole.part(held_out=False), whole.part(held_out=True)
    assert (len(train.recordings), len(test.recordings)) == (6, 1)
    assert not any(a is b for a in train.recordings for b in test.recordings)
    assert (train.p, test.p) == (0.3, 1.0)
    few = AddNoise(8000, folder=str(noises))
    few.recordings = few.recordings[:4]
    assert len(few.part(held_out=False).recordings) == len(few.part(held_out=True).recordings) == 4


def test_the_command_leaves_figures_clips_and_a_bundle(run):
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    rows = list(csv.DictReader((run / "clips.csv").read_text(encoding="utf-8").splitlines()))
    gain = [float(row["si_snr_db"]) - float(row["si_snr_noisy_db"]) for row in rows]
    assert metrics["scores"]["si_snr_gain_db"]["value"] == pytest.approx(np.mean(gain), abs=0.02)
    assert metrics["scores"]["si_snr_gain_db"]["low"] <= np.mean(gain) + 0.02
    assert "6 recordings train, 1 others judge" in metrics["protocol"]["rule"]
    assert "dev_gain_db" in (run / "log.csv").read_text(encoding="utf-8")
    trained = bundles.load(run)
    assert trained.task == Task((), "wave")
    assert "model" not in json.loads((run / "recipe.json").read_text(encoding="utf-8"))
    with pytest.raises(RequestError, match="not exported"):
        Onnx().write(trained, run / "x.onnx")
    assert cli.main(["evaluate", str(run)]) == 2


def test_in_front_of_a_classifier_a_stream_equals_the_clip_and_the_file_agrees(run, tones, tmp_path):
    tree = {**TINY, "augment": [], "train": {**TINY["train"], "epochs": 1}, "transfer": {"denoiser": str(run)}}
    ready = experiment.prepare(str(tones), experiment.resolved(recipes.parse(tree)), bar=lambda title, total: lambda: None)
    task = ready.corpus.task
    training = experiment.training(ready)
    pipe = training.objective.pipe
    before = {k: v.clone() for k, v in pipe.frontend.denoiser.state_dict().items()}
    pipe = training.run(tmp_path, lambda at, loss: None)
    assert all(torch.equal(pipe.frontend.denoiser.state_dict()[k], v) for k, v in before.items())  # frozen, statistics too
    assert all(torch.equal(bundles.load(run).pipe.state_dict()[k], v) for k, v in before.items())
    wave = torch.randn(1, 6431) * 0.1
    with torch.no_grad():
        wanted, state, found = pipe(wave, torch.tensor([6431])), pipe.start(), []
        for chunk in wave.split([1, 700, 81, 3000, 2649], dim=1):
            logits, state = pipe.step(chunk, state)
            found.append(logits)
    assert torch.allclose(torch.cat(found, dim=-1)[..., -1], wanted, atol=1e-5)
    bundle = bundles.Bundle(pipe, ready.recipe, task)
    parity = Onnx().write(bundle, tmp_path / "model.onnx")
    assert parity.largest <= 1e-5
    facts = Onnx().open(tmp_path / "model.onnx").facts
    assert facts.streamable
    assert facts.lookahead == pipe.frontend.denoiser.delay + pipe.frontend.before
    bundles.save(bundle, tmp_path / "bundle")
    again = bundles.load(tmp_path)
    assert torch.allclose(again.pipe(wave, torch.tensor([6431])), wanted, atol=1e-6)
    assert transfer.origin_of(str(run))["dataset"] == "tones"


def test_what_does_not_stream_in_step_says_so(run):
    tree = {**TINY, "denoiser": TREE["denoiser"], "transfer": {"denoiser": str(run)}, "frontend": {"name": "log_mel", "hop_ms": 12.5}}
    pipe = bundles.build(recipes.parse(tree), Task(("a", "b"), "single"))
    with pytest.raises(RequestError, match="hop of 80 samples does not go into the front end's of 100"):
        pipe.start()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"augment": [{"name": "gain"}]}, "no augment degrades"),
        ({"augment": [*NOISY, {"name": "speed"}]}, "speed stands after add_noise"),
        ({"augment": [{"name": "mixup"}, *NOISY]}, "mixup does not work on one wave"),
        ({"loss": {"name": "focal"}}, "loss focal compares labels"),
        ({"transfer": {"freeze": 0.5}}, "transfer.freeze is given"),
        ({"train": {"precision": "bf16-mixed"}}, "a denoiser is trained in single precision"),
    ],
)
def test_refused_before_any_clip_is_read(tones, changes, sentence):
    with pytest.raises(RequestError, match=sentence):
        prepared(tones, **changes)


def test_a_recipe_that_trains_a_denoiser_has_no_classifier():
    recipe = recipes.parse(TREE)
    assert recipe.restores
    assert recipe.called == "crn"
    assert recipes.parse(recipe.tree()) == recipe
    with pytest.raises(RequestError, match="model has no part"):
        recipes.parse({**TREE, "model": {"name": "cnn"}})


def test_a_classifier_has_no_loss_of_waves(tones):
    ready = experiment.prepare(str(tones), recipes.parse({**TINY, "loss": {"name": "si_snr"}}), bar=lambda title, total: lambda: None)
    with pytest.raises(RequestError, match="si_snr compares waves"):
        experiment.training(ready)


def test_another_denoiser_than_the_named_one_is_refused(run, exported):
    tree = {**TINY, "transfer": {"denoiser": str(run)}}
    with pytest.raises(RequestError, match="trained at 8000"):
        experiment.resolved(recipes.parse({**tree, "sample_rate": 16_000}))
    with pytest.raises(RequestError, match="left out"):
        experiment.resolved(recipes.parse({**tree, "denoiser": {"name": "crn"}}))
    with pytest.raises(RequestError, match="is a classifier"):
        experiment.resolved(recipes.parse({**tree, "transfer": {"denoiser": str(exported.run)}}))


@pytest.mark.parametrize("method", ["wiener", "spectral_subtraction", "RUN"])
def test_the_command_writes_cleaned_files(method, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    wave = 0.1 * np.random.default_rng(0).standard_normal((12_345, 2))
    soundfile.write(tmp_path / "in" / "two.flac", wave, 8000)
    (tmp_path / "in" / "broken.wav").write_bytes(b"RIFF")
    code = cli.main(["denoise", "in", "--out", "out", "--with", str(run) if method == "RUN" else method])
    assert code == 3  # the broken one is told, the other is there
    assert "broken.wav" in capsys.readouterr().err
    made, rate = soundfile.read(tmp_path / "out" / "in" / "two.wav")
    assert (made.shape, rate) == (wave.shape, 8000)
    if method == "RUN":
        whole = bundles.load(run).pipe(torch.from_numpy(wave.T.astype(np.float32)), torch.full((2,), 12_345)).detach().numpy().T
        assert np.abs(made - whole).max() < 1e-4  # 16 bits; in pieces as in one
    else:
        assert np.square(made).mean() < 0.5 * np.square(wave).mean()
    assert cli.main(["denoise", "out", "--out", "."]) == 2
    assert cli.main(["denoise", "in", "--out", "out", "--with", "nothing"]) == 2
