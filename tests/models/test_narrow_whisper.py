"""Narrow as the teacher is wide it is the teacher; narrower it is nearest to it in the sense that each part says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")
from tests.models.speech import rows, shaken, voices
from tests.tones import write_tones

from auricle import bundle as bundles
from auricle import catalog
from auricle import recipe as recipes
from auricle.errors import RequestError
from auricle.layers.masked import valid
from auricle.learning import experiment
from auricle.models._narrowing import explaining, places, regression, truncated
from auricle.models.narrow_whisper import NarrowWhisper
from auricle.types import Spec, Task

FRAMES = 240
SIZE = {"model_type": "whisper", "d_model": 32, "encoder_layers": 3, "encoder_attention_heads": 4, "encoder_ffn_dim": 48}
FRONT = {"name": "log_mel", "flavour": "whisper_80_silence"}
WIDE = {
    "dim": 32,
    "heads": 4,
    "frames": FRAMES,
    "first_channels": 32,
    "channels": 32,
    "query_dims": [8, 8],
    "value_dims": [8, 8],
    "units": [48, 48],
}
NARROW = {**WIDE, "first_channels": 16, "channels": 12, "query_dims": [2, 2], "value_dims": [3, 3], "units": [16, 16]}


def draws(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """The folder of a bundle of two layers of a random encoder, and its pipe."""
    made = {"name": "whisper", "config": {**SIZE, "max_source_positions": 150}, "layers": 2, "frames": FRAMES}
    recipe = recipes.parse({"sample_rate": 16_000, "frontend": FRONT, "model": made, "feed": {"seconds": 2.0}})
    task = Task(("a", "b"))
    pipe = bundles.build(recipe, task)
    table = pipe.model.network.embed_positions.weight.clone()
    shaken(pipe)
    with torch.no_grad():
        pipe.model.network.embed_positions.weight.copy_(table)
    folder = tmp_path_factory.mktemp("teacher")
    bundles.save(bundles.Bundle(pipe, recipe, task, card={"license": "MIT", "weights_may_ship": False}), folder / "bundle")
    return str(folder), pipe


def heard():
    front = catalog.make("frontends", Spec("log_mel", {"flavour": "whisper_80_silence"}), 16_000)
    return front, front(*rows(voices()))


def taught(teacher, **sizes):
    front, (feature, length) = heard()
    torch.manual_seed(3)
    model = NarrowWhisper(80, **sizes).eval()
    model.learn(teacher, front, [(feature, length)])
    with torch.no_grad():
        return model, model(feature, length)


def test_as_wide_as_the_teacher_it_is_the_teacher(teacher):
    whole = teacher[1].eval()
    feature, length = heard()[1]
    with torch.no_grad():
        wanted, steps = whole.model(feature, length)
    _, (hidden, own) = taught(whole, **WIDE)
    assert own.tolist() == steps.tolist()
    for row, count in enumerate(steps.tolist()):
        error = (hidden - wanted)[row, :, :count].square().mean() / wanted[row, :, :count].var()
        assert error < 1e-5


def test_without_its_last_perceptron_it_ends_with_the_attention(teacher):
    whole = teacher[1].eval()
    feature, length = heard()[1]
    states: list[torch.Tensor] = []
    last = whole.model.network.layers[1]
    hook = last.final_layer_norm.register_forward_hook(lambda layer, given, made: states.append(given[0]))
    with torch.no_grad():
        _, steps = whole.model(feature, length)
    hook.remove()
    _, (hidden, _) = taught(whole, **{**WIDE, "units": [48, 0]})
    for row, count in enumerate(steps.tolist()):
        wanted = states[0][row, :count].T
        assert (hidden[row, :, :count] - wanted).square().mean() / wanted.var() < 1e-5


def test_every_dimension_more_brings_it_nearer(teacher):
    whole = teacher[1].eval()
    feature, length = heard()[1]
    with torch.no_grad():
        wanted, steps = whole.model(feature, length)
    inside = valid(steps, wanted.shape[-1])

    def error(**sizes):
        hidden = taught(whole, **{**NARROW, **sizes})[1][0]
        return float((hidden - wanted).transpose(1, 2)[inside].square().sum() / wanted.transpose(1, 2)[inside].square().sum())

    narrow = error()
    assert narrow < 0.5
    for more in ({"first_channels": 24}, {"channels": 24}, {"query_dims": [6, 6], "value_dims": [7, 7]}, {"units": [32, 32]}):
        assert error(**more) < narrow


def test_it_is_the_same_alone_and_in_a_batch(teacher):
    model, (hidden, steps) = taught(teacher[1].eval(), **NARROW)
    feature, length = heard()[1]
    with torch.no_grad():
        alone, own = model(feature[1:2, :, : int(length[1])], length[1:2])
    assert own[0] == steps[1]
    torch.testing.assert_close(alone[0, :, : int(own)], hidden[1, :, : int(own)], atol=5e-5, rtol=0)  # of states up to 2.8


def test_regression_is_least_squares():
    inputs, wanted = draws(300, 7), draws(300, 3)
    weight, bias = regression(inputs, wanted)
    known = np.linalg.lstsq(np.c_[inputs.numpy(), np.ones(300)], wanted.numpy(), rcond=None)[0]
    np.testing.assert_allclose(torch.cat([weight.T, bias[None]]).numpy(), known, atol=1e-5)


def test_a_truncated_product_errs_by_the_singular_values_that_were_left_out():
    """Eckart and Young, in the coordinates in which the states are white."""
    left, right = draws(6, 4), draws(4, 5)
    white = [torch.linalg.cholesky(draws(9, n).T @ draws(9, n) + torch.eye(n)) for n in (6, 5)]
    product = white[0].T @ left @ right @ white[1]
    values = torch.linalg.svdvals(product)
    for rank in range(1, 5):
        one, other = truncated(left, right, *white, rank)
        assert one.shape == (6, rank)
        assert other.shape == (5, rank)
        error = (white[0].T @ one @ other.T @ white[1] - product).square().sum()
        torch.testing.assert_close(error, values[rank:].square().sum())


def test_chosen_inputs_are_those_that_a_slow_search_chooses():
    inputs = draws(200, 8)
    inputs[:, 3] = inputs[:, 1] + 0.1 * inputs[:, 3]  # much the same as another
    wanted = inputs[:, [1, 4, 6]] @ draws(3, 2) + 0.05 * draws(200, 2)
    found: list[int] = []
    for _ in range(3):

        def left(j):
            part = torch.cat([inputs[:, [*found, j]], torch.ones(200, 1)], 1)
            return float((part @ torch.linalg.lstsq(part, wanted).solution - wanted).square().sum())

        found.append(min((j for j in range(8) if j not in found), key=left))
    assert explaining(inputs, wanted, 3).tolist() == sorted(found)
    assert explaining(inputs, wanted, 9).tolist() == list(range(8))


def test_places_are_whispers():
    from transformers.models.whisper.modeling_whisper import sinusoids

    torch.testing.assert_close(places(50, 32), sinusoids(50, 32), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"dim": 48}, "model.dim is 48; the teacher .* has 32"),
        ({"query_dims": [2] * 3, "value_dims": [3] * 3, "units": [16] * 3}, "model.query_dims has 3 layers; the teacher .* has 2"),
        ({"units": [16]}, "query_dims, value_dims and units have 2, 2 and 1 numbers; wanted one each for every layer"),
        ({"query_dims": [0, 2]}, r"query_dims, value_dims and units are \[0, 2\], .*; wanted 1 or more for each head"),
        ({"units": [49, 0]}, r"model.units is \[49, 0\]; the teacher .* has 48"),
        ({"query_dims": [2, 9]}, r"model.query_dims is \[2, 9\]; the teacher .* has 8"),
        ({"value_dims": [9, 3]}, r"model.value_dims is \[9, 3\]; the teacher .* has 8"),
        ({"first_channels": 33}, r"model.first_channels and channels are \[33, 12\]; the teacher .* has 32"),
        ({"channels": 33}, r"model.first_channels and channels are \[16, 33\]; the teacher .* has 32"),
        ({"frames": 1000}, "marks time otherwise than Whisper, or has fewer than 500 places"),
    ],
)
def test_another_network_than_the_teachers_is_refused(teacher, changes, sentence):
    with pytest.raises(RequestError, match=sentence):
        NarrowWhisper(80, source=teacher[0], **{**NARROW, **changes}).learn(teacher[1], heard()[0], [])


def test_another_front_end_and_another_kind_of_teacher_are_refused(teacher):
    other = catalog.make("frontends", Spec("log_mel", {"bins": 80}), 16_000)
    with pytest.raises(RequestError, match="another feature of a sound than that of the teacher"):
        NarrowWhisper(80, source=teacher[0], **NARROW).learn(teacher[1], other, [])
    pipe = bundles.build(recipes.parse({"model": {"name": "cnn"}}), Task(("a", "b")))
    with pytest.raises(RequestError, match=r"a network of the kind Cnn; wanted one of the model whisper"):
        NarrowWhisper(80, source="cnn", **NARROW).learn(pipe, heard()[0], [])


@pytest.mark.parametrize("probe", ["linear", ""])
def test_a_recipe_teaches_it_by_the_training_clips_alone(probe, teacher, tmp_path, monkeypatch):
    """Fitted once, before the first step or the probe, to as many clips as train; the bundle is read without the teacher."""
    corpus = write_tones(tmp_path / "tones", clips=6)
    seen: list[int] = []
    learn = NarrowWhisper.learn

    def counted(self, whole, frontend, features):
        kept = list(features)
        seen.append(len(kept))
        learn(self, whole, frontend, kept)

    monkeypatch.setattr(NarrowWhisper, "learn", counted)
    recipe = recipes.parse(
        {
            "frontend": FRONT,
            "model": {"name": "narrow_whisper", "source": teacher[0], **NARROW},
            "transfer": {"probe": probe} if probe else {"freeze": 1.0},
            "feed": {"seconds": 0.5},
            "train": {"epochs": 1, "device": "cpu", "progress": False},
        }
    )
    ready = experiment.prepare(str(corpus), recipe, bar=lambda title, total: lambda: None)
    if probe:
        made = experiment.probed(ready)
    else:
        made = experiment.finish(experiment.training(ready), ready, tmp_path / "run", lambda at, loss: None)
    assert seen == [len(ready.division.train)]
    assert made.card["transfer"] == {"weights": teacher[0], "license": "MIT", "weights_may_ship": False}
    assert made.card["weights_may_ship"] is False
    bundles.save(made, tmp_path / "bundle")
    again = bundles.load(tmp_path / "bundle")
    wave, length = torch.randn(1, 8000) * 0.1, torch.tensor([8000])
    with torch.no_grad():
        torch.testing.assert_close(again.pipe(wave, length), made.pipe(wave, length))
