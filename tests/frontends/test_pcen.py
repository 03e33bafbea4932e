from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.frontends.clips import clip, rows

from auricle import catalog
from auricle.frontends._smooth import Smoother
from auricle.frontends.pcen import Pcen
from auricle.types import Spec


@pytest.mark.parametrize("frames", [1, 31, 32, 33, 200])
def test_smoothing_equals_the_recursion(frames):
    energy = torch.rand(2, 3, frames, dtype=torch.float64)
    made = Smoother(0.03).double()
    before = torch.tensor([[0.5, 1.0, 2.0]] * 2, dtype=torch.float64)
    last, known = before, []
    for n in range(frames):
        last = 0.97 * last + 0.03 * energy[:, :, n]
        known.append(last)
    torch.testing.assert_close(made(energy, before), torch.stack(known, 2), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["speech", "bark", "rain"])
def test_equals_librosa(name):
    librosa = pytest.importorskip("librosa")
    wave = clip(name, 22_050)
    known = librosa.pcen(librosa.feature.melspectrogram(y=wave, sr=22_050, power=1) * 2**31, sr=22_050)
    feature, _ = catalog.make("frontends", Spec("pcen", {"flavour": "librosa"}), 22_050)(*rows(wave))
    # Up to 6 kHz: above, the recordings hold nothing, and what is levelled is the rounding of float32.
    np.testing.assert_allclose(feature[0, :100], known[:100], rtol=1e-3, atol=1e-3 * known.max())


def test_loudness_is_levelled():
    """The same clip 20 dB softer differs far less than its levels do."""
    wave = clip("speech", 16_000)
    made = Pcen(16_000, normalise="none")
    loud, soft = made(*rows(wave))[0], made(*rows(wave / 10))[0]
    assert (loud - soft).abs().mean() < 0.05 * loud.mean()


def test_a_stream_remembers_across_a_pause():
    """The state is the average: a stream that went silent answers a click more than one that was loud."""
    made = Pcen(16_000, normalise="none")
    noise = torch.from_numpy(clip("rain", 16_000, 1.0))[None]
    _, loud = made.step(noise, made.start(1))
    _, silent = made.step(torch.zeros(1, 16_000), made.start(1))
    after_loud, _ = made.step(noise[:, :560], loud)
    after_silence, _ = made.step(noise[:, :560], silent)
    assert after_silence.mean() > 2 * after_loud.mean()
