"""Each row equals what transformers' own network, behind its own feature extractor, makes of that clip alone."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("transformers")
import transformers
from tests.models.speech import rows, saved, shaken, voices

from auricle import catalog
from auricle.errors import RequestError
from auricle.models.w2v_bert import W2vBert
from auricle.types import Spec

SIZE = {**{k: v for k, v in W2vBert.small["config"].items() if k != "model_type"}, "feature_projection_input_dim": 160}


def front(sample_rate=16_000):
    return catalog.make("frontends", Spec("filter_bank", {"flavour": "kaldi_80"}), sample_rate)


def test_a_row_of_a_batch_equals_transformers_on_the_clip_alone(tmp_path):
    network = shaken(transformers.Wav2Vec2BertModel(transformers.Wav2Vec2BertConfig(**SIZE)))
    ours = W2vBert(80, source=saved(network, tmp_path)).eval()
    ours.begin(front())
    extractor = transformers.SeamlessM4TFeatureExtractor(padding_value=1)
    clips = voices()
    with torch.no_grad():
        hidden, steps = ours(*front()(*rows(clips)))
        for row, clip in enumerate(clips):
            alone = network(**extractor(clip, sampling_rate=16_000, return_tensors="pt")).last_hidden_state[0]
            count = int(steps[row])
            assert count == (1 + (len(clip) - 400) // 160) // 2
            torch.testing.assert_close(hidden[row, :, :count], alone[:count].T, atol=2e-3, rtol=1e-3)
    with pytest.raises(RequestError, match="Kaldi's filter bank at 16000 Hz"):
        ours.begin(front(8_000))


def test_layers_equal_those_of_the_library_with_and_without_padding():
    ours = shaken(W2vBert(80, **W2vBert.small | {"mix": False, "projector": 0}))
    x = torch.randn(2, 29, 160, generator=torch.Generator().manual_seed(0))  # further than the table of distances reaches
    length = torch.tensor([29, 11])
    inside = torch.arange(29) < length[:, None]
    feature = x.reshape(2, 58, 80).transpose(1, 2)
    with torch.no_grad():
        seen = []  # what the network takes is normalised inside
        hook = ours.network.feature_projection.register_forward_pre_hook(lambda _layer, given: seen.append(given[0]))
        found, steps = ours(feature, 2 * length)
        hook.remove()
        theirs = ours.network(seen[0], attention_mask=inside.long()).last_hidden_state
    assert steps.tolist() == [29, 11]
    for row, count in enumerate(length):
        torch.testing.assert_close(found[row, :, :count], theirs[row, :count].T, atol=1e-5, rtol=1e-5)
