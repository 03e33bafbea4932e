from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
from tests.frontends import kaldi_ark
from tests.frontends.clips import clip, rows

from auricle import catalog
from auricle.errors import RequestError
from auricle.frontends.deltas import Deltas
from auricle.frontends.mfcc import Mfcc
from auricle.types import Spec

EPSILON = 1.1920928955078125e-07


def flavour(name: str, sample_rate: int, **others):
    return catalog.make("frontends", Spec("mfcc", {"flavour": name, **others}), sample_rate)


@pytest.mark.parametrize("matrix_form", [False, True])
def test_equals_kaldi(shared, matrix_form):
    """71 outputs of compute-mfcc-feats."""
    wave, rate = soundfile.read(shared / "fixtures" / "kaldi_ark" / "kaldi_file.wav", dtype="float32")
    known = kaldi_ark.files(shared, "mfcc")
    assert len(known) == 71
    for path, options in known:
        made = Mfcc(
            rate,
            coefficients=int(options["num_ceps"]),
            mels=int(options["num_mel_bins"]),
            scale="kaldi",
            offset=0.0,
            floor=EPSILON,
            lifter=float(options["cepstral_lifter"]),
            **kaldi_ark.mel_settings(options),
        )
        made.spectrum.matrix_form = matrix_form
        feature, _ = made(*rows(wave))
        np.testing.assert_allclose(feature[0].T, kaldi_ark.read(path), rtol=1e-3, atol=0.1, err_msg=path.name)


@pytest.mark.parametrize(("number", "settings"), [(1, {"pre_emphasis": 0.0}), (6, {"mels": 24, "min_hz": 125.0, "max_hz": 7800.0})])
def test_cepstra_and_their_slopes_equal_htk(shared, number, settings):
    """HCopy's MFCC_D_A_0; it fits slopes of slopes past the clip's ends in another way, so those frames are left out."""
    folder = shared / "fixtures" / "kaldi_htk"
    wave, rate = soundfile.read(folder / "test.wav", dtype="float32")
    known = np.frombuffer((folder / f"test.wav.fea_htk.{number}").read_bytes()[12:], ">f4").reshape(-1, 39)
    base = catalog.check("frontends", Spec("mfcc", {"flavour": "htk", **settings})).args
    made = Deltas(rate, of="mfcc", settings={k: v for k, v in base.items() if k != "normalise"}, edges="repeat", normalise="none")
    feature, frames = made(*rows(wave))
    assert frames.item() == len(known)
    found = feature[0].T.numpy()
    np.testing.assert_allclose(found[:, :26], known[:, :26], rtol=0, atol=2e-3)
    np.testing.assert_allclose(found[2:-2, 26:], known[2:-2, 26:], rtol=0, atol=2e-3)


@pytest.mark.parametrize("name", ["speech", "bark", "rain"])
def test_equals_librosa(name):
    librosa = pytest.importorskip("librosa")
    wave = clip(name, 22_050)
    feature, _ = flavour("librosa", 22_050)(*rows(wave))
    np.testing.assert_allclose(feature[0], librosa.feature.mfcc(y=wave, sr=22_050), rtol=0, atol=2e-3)


@pytest.mark.parametrize("name", ["speech", "bark"])
def test_equals_kaldi_native_fbank(name):
    knf = pytest.importorskip("kaldi_native_fbank")
    options = knf.MfccOptions()
    options.frame_opts.dither = 0
    wave = clip(name, 16_000)
    theirs = knf.OnlineMfcc(options)
    theirs.accept_waveform(16_000, (wave * 32768).tolist())
    theirs.input_finished()
    known = np.stack([theirs.get_frame(i) for i in range(theirs.num_frames_ready)])
    feature, _ = flavour("kaldi", 16_000)(*rows(wave))
    np.testing.assert_allclose(feature[0].T, known, rtol=0, atol=2e-2)


def test_equals_torchaudio():
    """torchaudio 2 spelt out in double precision: HTK triangles of unit height, 80 dB below the loudest, cosine transform."""
    wave = clip("speech", 16_000)
    feature, _ = flavour("torchaudio_40", 16_000)(*rows(wave))
    padded = np.pad(wave.astype(np.float64), 512, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 1024)[::512]
    power = np.abs(np.fft.rfft(frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)))) ** 2
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 130) / 2595) - 1)
    at = np.linspace(0, 8000, 513)[:, None]
    mel = np.clip(np.minimum((at - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - at) / np.diff(edges)[1:]), 0, None)
    level = 10 * np.log10(np.maximum(power @ mel, 1e-10))
    level = np.maximum(level, level.max() - 80)
    dct = np.cos(np.pi / 128 * (np.arange(128) + 0.5)[:, None] * np.arange(40)) * np.sqrt(2 / 128)
    dct[:, 0] /= np.sqrt(2)
    np.testing.assert_allclose(feature[0].T, level @ dct, rtol=0, atol=2e-3)


def test_all_cepstra_hold_the_energy_of_the_levels():
    """Parseval: the transform is orthonormal, so nothing is lost when every cepstrum is kept."""
    wave = clip("speech", 16_000)
    all_of_them = Mfcc(16_000, coefficients=40, mels=40, normalise="none")
    level = all_of_them.compression.level(all_of_them.spectrum(*rows(wave)))
    torch.testing.assert_close(all_of_them(*rows(wave))[0].square().sum(1), level.square().sum(1), rtol=1e-5, atol=1e-2)


def test_more_cepstra_than_mels_are_refused():
    with pytest.raises(RequestError, match="41 cepstra"):
        Mfcc(16_000, coefficients=41, mels=40)
