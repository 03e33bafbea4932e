from __future__ import annotations

import pytest
import torch
from tests.frontends.clips import clip, rows

from auricle import catalog
from auricle.frontends.raw import Raw
from auricle.types import Spec


def test_sound_net_s_scale():
    wave = clip("bark", 22_050)
    feature, frames = catalog.make("frontends", Spec("raw", {"flavour": "sound_net"}), 22_050)(*rows(wave))
    assert frames.item() == len(wave)
    torch.testing.assert_close(feature[0, 0], torch.from_numpy(wave) * 256)


def test_wav2vec2_equals_the_published_extractor():
    extraction = pytest.importorskip("transformers.models.wav2vec2.feature_extraction_wav2vec2")
    waves = [clip("speech", 16_000, 0.5), clip("rain", 16_000, 0.8)]
    known = extraction.Wav2Vec2FeatureExtractor(return_attention_mask=True)(waves, sampling_rate=16_000, padding=True)["input_values"]
    feature, _ = catalog.make("frontends", Spec("raw", {"flavour": "wav2vec2"}), 16_000)(*rows(*waves))
    for row, theirs in zip(feature, known, strict=True):
        torch.testing.assert_close(row[0], torch.as_tensor(theirs), rtol=1e-4, atol=1e-4)


def test_every_sample_is_a_frame():
    assert Raw(8_000).frames(torch.tensor([5, 0])).tolist() == [5, 0]
