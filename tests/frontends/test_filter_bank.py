from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from tests.frontends import kaldi_ark
from tests.frontends.clips import clip, rows

from auricle import catalog
from auricle.frontends._mel import filters
from auricle.frontends.filter_bank import FilterBank
from auricle.types import Spec


def flavour(name: str, sample_rate: int = 16_000, **others):
    return catalog.make("frontends", Spec("filter_bank", {"flavour": name, **others}), sample_rate)


@pytest.mark.parametrize("matrix_form", [False, True])
def test_equals_kaldi(shared, matrix_form):
    """45 outputs of compute-fbank-feats, within the 0.1 % + 0.1 that their text-like precision leaves."""
    wave, rate = soundfile.read(shared / "fixtures" / "kaldi_ark" / "kaldi_file.wav", dtype="float32")
    known = kaldi_ark.files(shared, "fbank")
    assert len(known) == 45
    for path, options in known:
        made = FilterBank(
            rate,
            bins=int(options["num_mel_bins"]),
            magnitude=options["use_power"] != "true",
            logarithm=options["use_log_fbank"] == "true",
            **kaldi_ark.mel_settings(options),
        )
        made.spectrum.matrix_form = matrix_form
        feature, _ = made(*rows(wave))
        np.testing.assert_allclose(feature[0].T, kaldi_ark.read(path), rtol=1e-3, atol=0.1, err_msg=path.name)


@pytest.mark.parametrize(("number", "min_hz"), [(1, 0.0), (2, 25.0)])
def test_equals_htk(shared, number, min_hz):
    """HCopy's own output on 1.4 s of speech."""
    folder = shared / "fixtures" / "kaldi_htk"
    wave, rate = soundfile.read(folder / "test.wav", dtype="float32")
    raw = (folder / f"test.wav.fbank_htk.{number}").read_bytes()
    known = np.frombuffer(raw[12:], ">f4").reshape(-1, 23)
    made = FilterBank(rate, bins=23, window="hamming", pre_emphasis=0.0, remove_dc=False, min_hz=min_hz, htk_filters=True, normalise="none")
    feature, frames = made(*rows(wave))
    assert frames.item() == len(known)
    np.testing.assert_allclose(feature[0].T, known, rtol=0, atol=1e-4)


@pytest.mark.parametrize("bins", [40, 80])
def test_equals_kaldi_native_fbank(bins):
    knf = pytest.importorskip("kaldi_native_fbank")
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = 16_000
    options.mel_opts.num_bins = bins
    for name in ("speech", "bark", "rain"):
        wave = clip(name, 16_000)
        theirs = knf.OnlineFbank(options)
        theirs.accept_waveform(16_000, (wave * 32768).tolist())
        theirs.input_finished()
        known = np.stack([theirs.get_frame(i) for i in range(theirs.num_frames_ready)])
        feature, _ = flavour(f"kaldi_{bins}")(*rows(wave))
        np.testing.assert_allclose(feature[0].T, known, rtol=0, atol=5e-3)


@pytest.mark.filterwarnings("ignore:At least one mel filter")  # true of AST's 128 mels, and theirs
def test_ast_equals_the_published_extractor():
    """transformers' numpy form of AST's front end, which is torchaudio's Kaldi form."""
    transformers = pytest.importorskip("transformers.models.audio_spectrogram_transformer.feature_extraction_audio_spectrogram_transformer")
    extract = transformers.ASTFeatureExtractor(max_length=198)
    for name in ("speech", "bark", "rain"):
        wave = clip(name, 16_000)
        known = extract(wave, sampling_rate=16_000, return_tensors="np")["input_values"][0]
        feature, frames = flavour("ast")(*rows(wave))
        assert frames.item() == 198
        np.testing.assert_allclose(feature[0].T, known, rtol=0, atol=1e-3)


def test_the_energy_is_the_frame_s():
    """An independent sum over the frame itself, mean removed."""
    wave = clip("speech", 16_000, 0.5)
    feature, _ = flavour("kaldi_40", energy="raw")(*rows(wave))
    frame = 32768 * wave[160 * 7 : 160 * 7 + 400].astype(np.float64)
    assert feature[0, 0, 7].item() == pytest.approx(np.log(np.sum((frame - frame.mean()) ** 2)), abs=1e-4)


def test_a_level_change_moves_every_bin_by_as_much():
    wave = clip("speech", 16_000)
    front = flavour("kaldi_80")
    loud, soft = front(*rows(wave))[0], front(*rows(wave / 2))[0]
    torch.testing.assert_close(loud - soft, torch.full_like(loud, 2 * np.log(2)), rtol=0, atol=2e-3)


@pytest.mark.parametrize("sample_rate", [16_000, 32_000])
def test_equals_the_definition_in_double_precision(sample_rate):
    """Every level of noise, even those 70 dB below the loudest, where transforms in single precision err by 1e-3 dB."""
    wave = (0.1 * np.random.default_rng(0).standard_normal(2 * sample_rate)).astype(np.float32)
    win, hop = sample_rate // 40, sample_rate // 100
    frames = np.lib.stride_tricks.sliding_window_view(32768 * wave.astype(np.float64), win)[::hop]
    frames = frames - frames.mean(1, keepdims=True)
    frames = np.concatenate([frames[:, :1] * 0.03, frames[:, 1:] - 0.97 * frames[:, :-1]], axis=1)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win) / (win - 1))) ** 0.85
    n_fft = 1 << (win - 1).bit_length()
    mel = filters(sample_rate, n_fft, bins=80, min_hz=20.0, max_hz=0.0, scale="kaldi").numpy()
    known = np.log(np.abs(np.fft.rfft(frames * window, n_fft)) ** 2 @ mel).T
    feature, _ = flavour("kaldi_80", sample_rate)(*rows(wave))
    np.testing.assert_allclose(feature[0], known, rtol=0, atol=4e-6)
