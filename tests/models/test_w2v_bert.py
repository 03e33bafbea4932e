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
