"""Each row equals what transformers' own network, behind its own feature extractor, makes of that clip alone."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("transformers")
import transformers
from tests.models.speech import BASE, LARGE, rows, saved, voices, wave_network

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.errors import RequestError, ShapeError
from auricle.exporters.onnx import Onnx
from auricle.frontends.raw import Raw
from auricle.models.wav2vec2 import Wav2Vec2
from auricle.types import Task

FORMS = [(kind, size) for kind in ("wav2vec2", "hubert", "wavlm") for size in (BASE, LARGE)]


def extractor(size, normalise=True):
    return transformers.Wav2Vec2FeatureExtractor(
        feature_size=1, sampling_rate=16_000, do_normalize=normalise, return_attention_mask=size is LARGE
    )


@pytest.mark.parametrize(("kind", "size"), FORMS, ids=[f"{kind}-{'large' if size is LARGE else 'base'}" for kind, size in FORMS])
def test_a_row_of_a_batch_equals_transformers_on_the_clip_alone(tmp_path, kind, size):
    theirs = wave_network(kind, size)
    folder = saved(theirs, tmp_path, extractor(size))
    front = Raw(16_000, normalise="clip")
    ours = Wav2Vec2(1, source=folder, mix=True).eval()
    ours.begin(front)
    clips = voices()
    with torch.no_grad():
        feature, length = front(*rows(clips))
        hidden, steps = ours(feature, length)
        last, _ = _last(ours, feature, length)
        for row, clip in enumerate(clips):
            heard = extractor(size)(clip, sampling_rate=16_000, return_tensors="pt").input_values
            alone = theirs(heard, output_hidden_states=True)
            assert steps[row] == alone.last_hidden_state.shape[1]
            torch.testing.assert_close(last[row, :, : steps[row]], alone.last_hidden_state[0].T, atol=2e-5, rtol=1e-5)
            mean = torch.stack([*alone.hidden_states[:-1], alone.last_hidden_state]).mean(0)[0].T  # the mix begins as a plain mean
            torch.testing.assert_close(hidden[row, :, : steps[row]], mean, atol=2e-5, rtol=1e-5)


def _last(ours, feature, length):
    weight, ours.states.weight = ours.states.weight, None
    answer = ours(feature, length)
    ours.states.weight = weight
    return answer


def test_the_first_layers_alone_give_the_state_behind_them(tmp_path):
    theirs = wave_network("hubert", LARGE)
    ours = Wav2Vec2(1, source=saved(theirs, tmp_path), layers=2).eval()
    ours.begin(Raw(16_000, normalise="clip"))
    wave = torch.randn(1, 1, 4000)
    with torch.no_grad():
        states = theirs(wave[0], output_hidden_states=True).hidden_states
        torch.testing.assert_close(ours(wave, torch.tensor([4000]))[0], states[2].transpose(1, 2), atol=2e-5, rtol=1e-5)
    assert len(ours.network.encoder.layers) == 2


def test_a_network_with_a_head_and_old_names_is_read_too(tmp_path):
    theirs = transformers.Wav2Vec2ForCTC(transformers.Wav2Vec2Config(**BASE, vocab_size=11)).eval()
    ours = Wav2Vec2(1, source=saved(theirs, tmp_path))
    ours.begin(Raw(16_000, normalise="clip"))
    name = "encoder.layers.1.attention.q_proj.weight"
    assert torch.equal(ours.network.state_dict()[name], theirs.wav2vec2.state_dict()[name])


def _bundle(folder, tmp_path, kind):
    tree = {
        "sample_rate": 16_000,
        "frontend": {"name": "raw", "normalise": "clip"},
        "model": {"name": "wav2vec2", "source": folder, "projector": 8, "mix": True, "layers": 1},
        "feed": {"seconds": 1.0},
    }
    tree["model"] |= {"config": Wav2Vec2.described({"source": folder, "config": None})["config"]}
    recipe, task = recipes.parse(tree), Task(("a", "b", "c"))
    pipe = bundles.build(recipe, task)
    pipe.model.begin(pipe.frontend)
    return bundles.Bundle(pipe.eval(), recipe, task, card={})


@pytest.mark.parametrize("kind", ["hubert", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("wav2vec2", "wavlm"))])
def test_a_bundle_needs_no_folder_and_its_file_answers_alike(tmp_path, kind):
    folder = saved(wave_network(kind, BASE), tmp_path / "theirs", extractor(BASE))
    made = _bundle(folder, tmp_path, kind)
    bundles.save(made, tmp_path / "bundle")
    (tmp_path / "theirs").rename(tmp_path / "gone")
    again = bundles.load(tmp_path / "bundle")
    wave, length = rows(voices())
    with torch.no_grad():
        assert torch.equal(again.pipe(wave, length), made.pipe(wave, length))
    assert Onnx().write(again, tmp_path / "model.onnx").largest <= 1e-4  # odd lengths and batches are the exporter's own check


def test_what_is_frozen_has_no_gradient_and_checkpointing_changes_none():
    settings = {**Wav2Vec2.small, "freeze": "features"}
    plain, again = Wav2Vec2(1, **settings), Wav2Vec2(1, **settings, checkpointing=True)
    again.load_state_dict(plain.state_dict())
    x, length = torch.randn(2, 1, 400), torch.tensor([400, 300])
    for model in (plain, again):
        model.train()(x, length)[0].square().sum().backward()
    frozen = {n for n, p in plain.named_parameters() if not p.requires_grad}
    assert frozen
    assert all(n.startswith("network.feature_extractor.") for n in frozen)
    for (name, one), (_, two) in zip(plain.named_parameters(), again.named_parameters(), strict=True):
        assert (one.grad is None) == (name in frozen)
        if one.grad is not None:
            torch.testing.assert_close(one.grad, two.grad, atol=1e-6, rtol=1e-4)


def test_a_wholly_frozen_network_is_judged_as_it_is_while_training():
    model = Wav2Vec2(1, **{**Wav2Vec2.small, "freeze": "all"}).train()
    assert not model.network.training
    assert model.states.training
    assert {n for n, p in model.named_parameters() if p.requires_grad} == {
        "states.weight",
        "states.projector.weight",
        "states.projector.bias",
    }


def test_the_wrong_front_end_is_refused(tmp_path):
    folder = saved(wave_network("wav2vec2", BASE), tmp_path, extractor(BASE))
    model = Wav2Vec2(1, source=folder)
    with pytest.raises(RequestError, match=r"taught on waves of normalise = 'clip'.*'none'"):
        model.begin(Raw(16_000))
    with pytest.raises(RequestError, match=r"taught at 16000 Hz; recipe.sample_rate is 8000"):
        model.begin(Raw(8_000, normalise="clip"))


def test_what_is_not_there_is_one_sentence(tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(RequestError, match=r"nobody/nothing is neither a folder here nor in the cache.*can't be reached"):
        Wav2Vec2(1, source="nobody/nothing")
    with pytest.raises(RequestError, match=r"is not a folder of a network: it holds no config.json"):
        Wav2Vec2(1, source=str(tmp_path))


def test_another_kind_of_network_and_odd_settings_are_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(RequestError, match="holds a network of the kind 'bert'; wanted wav2vec2 or hubert or wavlm"):
        Wav2Vec2(1, source=str(tmp_path))
    with pytest.raises(RequestError, match="_attn_implementation is not a setting"):
        Wav2Vec2(1, config={"model_type": "hubert", "_attn_implementation": "someone/kernels"})
    with pytest.raises(RequestError, match="layers is 9; the network has 2"):
        Wav2Vec2(1, **{**Wav2Vec2.small, "layers": 9})


def test_a_clip_too_short_is_refused():
    with pytest.raises(ShapeError, match="has 15 samples; one step needs 16"):
        Wav2Vec2(1, **Wav2Vec2.small)(torch.zeros(1, 1, 15), torch.tensor([15]))
