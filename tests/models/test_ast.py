"""The network equals transformers' own behind its own feature extractor, which fills clips up to a fixed length."""

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
from auricle.models.ast import Ast
from auricle.types import Spec, Task

# The library's own filters: some of 128 are empty, as in the published feature.
pytestmark = pytest.mark.filterwarnings("ignore:At least one mel filter has all zero values")

SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_length": 120,
    "num_mel_bins": 128,
}


def front(**others):
    return catalog.make("frontends", Spec("filter_bank", {"flavour": "ast", **others}), 16_000)


def theirs():
    return shaken(transformers.ASTForAudioClassification(transformers.ASTConfig(**SIZE, num_labels=5)))


def extractor(**others):
    return transformers.ASTFeatureExtractor(max_length=120, **others)


def test_a_row_of_a_batch_equals_transformers(tmp_path):
    network = theirs()
    ours = Ast(128, source=saved(network, tmp_path, extractor())).eval()
    ours.begin(front())
    clips = voices()
    known = extractor()(clips, sampling_rate=16_000, return_tensors="pt").input_values
    heard = []
    ours.network.embeddings.register_forward_hook(lambda _layer, given, _answer: heard.append(given[0]))
    with torch.no_grad():
        hidden, steps = ours(*front()(*rows(clips)))
        pooled = network.audio_spectrogram_transformer(known).pooler_output
    torch.testing.assert_close(heard[0], known, atol=2e-4, rtol=0)
    torch.testing.assert_close(hidden[..., 0], pooled, atol=5e-4, rtol=1e-4)
    assert steps.tolist() == [1, 1, 1]


def test_other_statistics_than_those_it_was_taught_with_are_refused(tmp_path):
    folder = saved(theirs(), tmp_path, extractor(mean=-6.845978, std=5.5654526))
    with pytest.raises(RequestError, match=r"taught on centre = -6.84598; the front end has -4.26773"):
        Ast(128, source=folder).begin(front())
    with pytest.raises(RequestError, match=r"0.615042 behind a clip; model.filling is 0.467034"):
        Ast(128, source=folder).begin(front(centre=-6.845978, spread=2 * 5.5654526))
    Ast(128, source=folder, filling=0.6150424).begin(front(centre=-6.845978, spread=2 * 5.5654526))


def test_a_bundle_needs_no_folder_and_its_file_answers_alike(tmp_path):
    folder = saved(theirs(), tmp_path / "theirs", extractor())
    model = {
        "name": "ast",
        "source": folder,
        "mix": True,
        "layers": 1,
        "config": Ast.described({"source": folder, "config": None})["config"],
    }
    recipe = recipes.parse({"frontend": {"name": "filter_bank", "flavour": "ast"}, "model": model, "feed": {"seconds": 1.0}})
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


def test_a_clip_longer_than_it_hears_is_refused():
    with pytest.raises(ShapeError, match="has 101 frames; AST hears 100"):
        Ast(20, **Ast.small)(torch.zeros(1, 20, 101), torch.tensor([101]))
    with pytest.raises(RequestError, match="has 4 bins; a patch of AST needs 8"):
        Ast(4, **Ast.small)
