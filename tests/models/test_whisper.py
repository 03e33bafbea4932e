"""The encoder equals transformers' own behind its own feature extractor, which fills clips with silence up to 30 s."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("transformers")
import transformers
from tests.models.speech import rows, saved, shaken, voices

from auricle import bundle as bundles
from auricle import catalog
from auricle import recipe as recipes
from auricle.errors import RequestError, ShapeError
from auricle.exporters.onnx import Onnx
from auricle.models.whisper import Whisper
from auricle.types import Spec, Task

SIZE = {
    "d_model": 32,
    "encoder_layers": 3,
    "decoder_layers": 1,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "vocab_size": 20,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
}


def front(flavour="whisper_80_silence"):
    return catalog.make("frontends", Spec("log_mel", {"flavour": flavour}), 16_000)


def theirs():
    return shaken(transformers.WhisperForConditionalGeneration(transformers.WhisperConfig(**SIZE)))


def test_a_feature_equals_the_feature_extractor_and_so_does_the_silence_behind_it():
    clips = voices()
    feature, length = front()(*rows(clips))
    model = Whisper(80, config={"model_type": "whisper", "d_model": 32, "encoder_layers": 1, "encoder_attention_heads": 2})
    heard = []
    model.network.conv1.register_forward_hook(lambda _layer, given, _answer: heard.append(given[0]))
    with torch.no_grad():
        model.eval()(feature, length)
    known = transformers.WhisperFeatureExtractor(80)(clips, sampling_rate=16_000, return_tensors="pt").input_features
    torch.testing.assert_close(heard[0], known, atol=2e-4, rtol=0)


@pytest.mark.parametrize("whole", [True, False], ids=["whole network", "encoder alone"])
def test_a_row_of_a_batch_equals_transformers(tmp_path, whole):
    network = theirs()
    encoder = network.model.encoder
    folder = saved(network if whole else encoder, tmp_path)
    ours = Whisper(80, source=folder, mix=True).eval()
    ours.begin(front())
    clips = voices()
    known = transformers.WhisperFeatureExtractor(80)(clips, sampling_rate=16_000, return_tensors="pt").input_features
    with torch.no_grad():
        answer = encoder(known, output_hidden_states=True)
        hidden, steps = ours(*front()(*rows(clips)))
    mean = torch.stack(answer.hidden_states).mean(0)
    for row, clip in enumerate(clips):
        count = int(steps[row])
        assert count == ((len(clip) + 199) // 160 + 2) // 2  # every step that hears some of the clip
        torch.testing.assert_close(hidden[row, :, :count], mean[row, :count].T, atol=5e-4, rtol=1e-4)


def test_layers_are_counted_as_transformers_counts_them(tmp_path):
    network = theirs()
    ours = Whisper(80, source=saved(network, tmp_path), layers=2).eval()
    ours.begin(front())
    feature = torch.randn(1, 80, 3000).clamp(-1)
    with torch.no_grad():
        states = network.model.encoder(feature, output_hidden_states=True).hidden_states
        hidden, _ = ours(feature, torch.tensor([3000]))
    torch.testing.assert_close(hidden, states[2].transpose(1, 2), atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("frames", [200, pytest.param(0, marks=pytest.mark.slow)], ids=["with silence", "just the clip"])
def test_a_bundle_needs_no_folder_and_its_file_answers_alike(tmp_path, frames):
    network = theirs()
    folder = saved(network, tmp_path / "theirs")
    model = {"name": "whisper", "source": folder, "projector": 8, "mix": True, "layers": 1, "frames": frames}
    model["config"] = Whisper.described({"source": folder, "config": None})["config"]
    front_end = {"name": "log_mel", "flavour": "whisper_80_silence"}
    recipe = recipes.parse({"frontend": front_end, "model": model, "feed": {"seconds": 1.0}})
    task = Task(("a", "b", "c"))
    made = bundles.Bundle(bundles.build(recipe, task).eval(), recipe, task, card={})
    made.pipe.model.begin(made.pipe.frontend)
    bundles.save(made, tmp_path / "bundle")
    (tmp_path / "theirs").rename(tmp_path / "gone")
    again = bundles.load(tmp_path / "bundle")
    wave, length = rows(voices())
    with torch.no_grad():
        assert torch.equal(again.pipe(wave, length), made.pipe(wave, length))
    assert Onnx().write(again, tmp_path / "model.onnx").largest <= 1e-4


def test_what_cannot_be_heard_is_refused(tmp_path):
    model = Whisper(20, **Whisper.small)
    with pytest.raises(ShapeError, match=r"has 204 frames; model.frames is 200"):
        model(torch.zeros(1, 20, 204), torch.tensor([204]))
    with pytest.raises(RequestError, match=r"model.frames is 400; the encoder has places for 200"):
        Whisper(20, **{**Whisper.small, "frames": 400})
    ours = Whisper(40, source=saved(theirs(), tmp_path))
    with pytest.raises(RequestError, match="25 ms every 10 ms at 16000 Hz"):
        ours.begin(catalog.make("frontends", Spec("log_mel", {"bins": 40}), 8_000))
