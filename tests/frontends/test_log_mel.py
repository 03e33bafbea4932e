from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from tests.frontends.clips import assert_decibels, clip, rows

from auricle import catalog
from auricle import recipe as recipes
from auricle.errors import RequestError
from auricle.frontends._mel import filters
from auricle.types import Spec


def flavour(name: str, sample_rate: int, **others):
    return catalog.make("frontends", Spec("log_mel", {"flavour": name, **others}), sample_rate)


def test_filters_equal_matlab(shared):
    """144 filter banks of the Auditory Toolbox's successors, Slaney's and HTK's mel."""
    known = sorted((shared / "fixtures" / "librosa_mat").glob("feature-melfb-*.mat"))
    assert len(known) == 144
    for path in known:
        mat = scipy.io.loadmat(path)
        rate, n_fft, bins = (int(mat[k].item()) for k in ("sr", "nfft", "nfilts"))
        scale = "htk_unit_area" if mat["htk"].item() else "slaney"
        made = filters(rate, n_fft, bins=bins, min_hz=float(mat["fmin"].item()), max_hz=float(mat["fmax"].item()), scale=scale)
        np.testing.assert_allclose(made.T, mat["wts"][:, : n_fft // 2 + 1], rtol=0, atol=1e-6, err_msg=path.name)


@pytest.mark.parametrize("bins", [80, 128])
def test_filters_equal_whisper(shared, bins):
    known = np.load(shared / "fixtures" / "whisper" / "mel_filters.npz")[f"mel_{bins}"]
    made = filters(16_000, 400, bins=bins, min_hz=0.0, max_hz=8000.0, scale="slaney")
    np.testing.assert_allclose(made.T, known, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("scale", "norm"), [("slaney", "slaney"), ("slaney_unit_height", None), ("htk", None), ("htk_unit_area", "slaney")]
)
def test_filters_equal_librosa(scale, norm):
    librosa = pytest.importorskip("librosa")
    made = filters(32_000, 1024, bins=64, min_hz=50.0, max_hz=14_000.0, scale=scale)
    known = librosa.filters.mel(sr=32_000, n_fft=1024, n_mels=64, fmin=50, fmax=14_000, htk="htk" in scale, norm=norm, dtype=np.float64)
    np.testing.assert_allclose(made.T, known, rtol=0, atol=1e-12)


@pytest.mark.parametrize("bins", [80, 128])
def test_whisper_equals_the_published_extractor(bins):
    transformers = pytest.importorskip("transformers.models.whisper.feature_extraction_whisper")
    extract = transformers.WhisperFeatureExtractor(feature_size=bins, chunk_length=2)
    for name in ("speech", "bark", "rain"):
        wave = clip(name, 16_000)
        known = extract._np_extract_fbank_features(wave[None], "cpu")[0]
        feature, frames = flavour(f"whisper_{bins}", 16_000)(*rows(wave))
        assert frames.item() == 200
        np.testing.assert_allclose(feature[0], known, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["speech", "bark", "rain"])
def test_librosa_and_panns(name):
    """torchlibrosa, which PANNs and ConvNeXt are trained on, is librosa's definition with reflection, without top_db."""
    librosa = pytest.importorskip("librosa")
    wave = clip(name, 22_050)
    known = librosa.power_to_db(librosa.feature.melspectrogram(y=wave, sr=22_050))
    np.testing.assert_allclose(flavour("librosa", 22_050)(*rows(wave))[0][0], known, rtol=0, atol=1e-3)
    wave = clip(name, 32_000)
    for published, bins in (("panns_32k", 64), ("convnext_audioset", 224)):
        power = librosa.feature.melspectrogram(
            y=wave, sr=32_000, n_fft=1024, hop_length=320, n_mels=bins, fmin=50, fmax=14_000, pad_mode="reflect"
        )
        feature, frames = flavour(published, 32_000)(*rows(wave))
        assert frames.item() == 32_000 * 2 // 320 + 1
        assert_decibels(feature[0].numpy(), librosa.power_to_db(power, top_db=None))


def slow(wave: np.ndarray, *, window: np.ndarray, n_fft: int, hop: int, mel: np.ndarray) -> np.ndarray:
    """Mel powers of centred frames, as torch.stft and a matrix make them, in double precision."""
    taper = np.zeros(n_fft)
    taper[(n_fft - len(window)) // 2 :][: len(window)] = window
    padded = np.pad(wave.astype(np.float64), n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    return (np.abs(np.fft.rfft(frames * taper)) ** 2 @ mel).T


def test_efficient_at():
    """EfficientAT's preprocess.py written out: pre-emphasis by valid convolution, 800 of 1024 points, Kaldi's triangles."""
    wave = clip("bark", 32_000)
    mel_of = lambda hertz: 1127 * np.log(1 + hertz / 700)  # noqa: E731
    edges = np.linspace(mel_of(0), mel_of(15_000), 130)
    at = mel_of(np.arange(513) * 32_000 / 1024)[:, None]
    mel = np.clip(np.minimum((at - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - at) / np.diff(edges)[1:]), 0, None)
    mel[512] = 0
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(800) / 799)
    emphasised = wave[1:].astype(np.float64) - 0.97 * wave[:-1]
    known = (np.log(slow(emphasised, window=window, n_fft=1024, hop=320, mel=mel) + 1e-5) + 4.5) / 5
    feature, _ = flavour("efficient_at", 32_000)(*rows(wave))
    np.testing.assert_allclose(feature[0], known, rtol=0, atol=1e-4)


def test_dcls_audio():
    """torchaudio's MelScale (HTK, unit height) and AmplitudeToDB, then the repository's mean and deviation."""
    wave = clip("speech", 32_000)
    edges = 700 * (10 ** (np.linspace(2595 * np.log10(1 + 50 / 700), 2595 * np.log10(1 + 14_000 / 700), 130) / 2595) - 1)
    at = np.linspace(0, 16_000, 513)[:, None]
    mel = np.clip(np.minimum((at - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - at) / np.diff(edges)[1:]), 0, None)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    power = slow(wave, window=window, n_fft=1024, hop=320, mel=mel)
    feature, _ = flavour("dcls_audio", 32_000)(*rows(wave))
    assert_decibels(feature[0].numpy() * 30.5735 - 18.2696, 10 * np.log10(np.maximum(power, 1e-10)))


def test_speech_emotion_flavours_span_their_ranges():
    wave = clip("speech", 48_000)
    spread, _ = flavour("ser_40", 48_000)(*rows(wave))
    assert (spread.amin(), spread.amax()) == (-1, 1)
    below, _ = flavour("ser_parallel", 48_000)(*rows(wave))
    assert below.amax() == 0
    assert below.amin() >= -80.001


def test_the_range_is_the_clip_s_own_never_the_batch_s():
    loud, soft = clip("bark", 16_000), clip("rain", 16_000, 1.0) * 1e-3
    made = flavour("whisper_80", 16_000)
    alone, frames = made(*rows(soft))
    beside, _ = made(*rows(loud, soft))
    assert torch.equal(beside[1, :, : frames[0]], alone[0])


def test_statistics_are_those_of_valid_frames():
    made = catalog.make("frontends", Spec("log_mel"), 16_000)
    waves = [rows(clip("speech", 16_000, 1.0), clip("bark", 16_000, 0.5)), rows(clip("rain", 16_000, 0.7))]
    plain = [made(wave[i : i + 1], length[i : i + 1]) for wave, length in waves for i in range(len(wave))]
    frames = torch.cat([value[0, :, : count[0]] for value, count in plain], dim=1)
    made.fit(iter(waves))
    torch.testing.assert_close(made.mean, frames.mean(1), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(made.deviation, frames.std(1, correction=0), rtol=1e-4, atol=1e-4)


def test_a_recipe_names_a_flavour():
    made = recipes.parse({"frontend": {"name": "log_mel", "flavour": "panns_32k", "bins": 40}})
    assert made.sample_rate == 32_000
    assert made.frontend.args["bins"] == 40
    assert made.frontend.args["max_hz"] == 14_000
    assert recipes.parse(made.tree()) == made
    tree = made.tree()
    recipes.override(tree, "frontend.flavour=convnext_audioset")
    assert recipes.parse(tree).frontend.args["bins"] == 224


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"frontend": {"name": "log_mel", "flavour": "panns_32"}}, "did you mean panns_32k"),
        ({"frontend": {"name": "log_mel", "flavour": "panns_32k", "bin": 3}}, "did you mean bins"),
        ({"sample_rate": 16_000, "frontend": {"name": "log_mel", "flavour": "panns_32k"}}, "defined at 32000 Hz"),
    ],
)
def test_flavours_that_are_not_are_refused(tree, sentence):
    with pytest.raises(RequestError, match=sentence):
        recipes.parse(tree)


def test_every_flavour_makes_a_feature():
    """At the rate it is defined at; what it names are settings of its entry."""
    for entry in catalog.names("frontends"):
        for name, settings in catalog.flavours("frontends", entry).items():
            rate = settings.get("sample_rate", 16_000)
            made = catalog.make("frontends", Spec(entry, {"flavour": name}), rate)
            feature, frames = made(*rows(clip("speech", rate, 0.5)))
            assert feature.isfinite().all(), name
            assert feature.shape[1:] == (made.bins, frames.item())


def test_filters_out_of_order_are_refused():
    with pytest.raises(RequestError, match="0 <= min_hz < max_hz <= 8000"):
        filters(16_000, 512, bins=40, min_hz=50.0, max_hz=9000.0, scale="slaney")


def test_the_page_of_flavours_is_current():
    root = Path(__file__).parents[2]
    spec = importlib.util.spec_from_file_location("front_ends", root / "docs" / "front_ends.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = script.PAGE.read_text(encoding="utf-8")
    assert script.filled(text) == text
