from __future__ import annotations

import numpy as np
import pytest
import scipy.io
import soundfile
import torch
from tests.frontends import kaldi_ark
from tests.frontends.clips import clip, rows

from auricle.errors import RequestError, ShapeError
from auricle.frontends.log_mel import LogMel
from auricle.frontends.spectrogram import Spectrogram


def linear(sample_rate: int = 16_000, **settings) -> Spectrogram:
    return Spectrogram(sample_rate, compression="none", offset=0.0, normalise="none", **settings)


@pytest.mark.parametrize("matrix_form", [False, True])
def test_equals_kaldi(shared, matrix_form):
    """65 outputs of compute-spectrogram-feats."""
    wave, rate = soundfile.read(shared / "fixtures" / "kaldi_ark" / "kaldi_file.wav", dtype="float32")
    known = kaldi_ark.files(shared, "spec")
    assert len(known) == 65
    for path, options in known:
        settings = {**kaldi_ark.settings(options), "energy": kaldi_ark.energy(options)}
        made = Spectrogram(rate, offset=0.0, floor=1.1920928955078125e-07, **settings)
        made.spectrum.matrix_form = matrix_form
        feature, _ = made(*rows(wave))
        np.testing.assert_allclose(feature[0].T, kaldi_ark.read(path), rtol=1e-3, atol=0.1, err_msg=path.name)


def test_magnitudes_equal_matlab(shared):
    """The transforms of librosa's MATLAB references, to 1e-6 of their largest value."""
    for path in sorted((shared / "fixtures" / "librosa_mat").glob("core-stft-*.mat")):
        known = scipy.io.loadmat(path)
        rate, n_fft, hop, taper = (int(known[k].item()) for k in ("sr", "nfft", "hop_length", "hann_w"))
        wave, read_rate = soundfile.read(path.parent / known["wavfile"].item().split("/")[-1], dtype="float32", always_2d=True)
        assert read_rate == rate
        window = "hann" if taper else "rectangular"
        made = linear(rate, win_ms=1000 * n_fft / rate, hop_ms=1000 * hop / rate, window=window, magnitude=True)
        feature, _ = made(*rows(wave.mean(1)))
        wanted = np.abs(known["D"])
        np.testing.assert_allclose(feature[0, :, : wanted.shape[1]], wanted, rtol=0, atol=1e-6 * wanted.max(), err_msg=path.name)


@pytest.mark.parametrize("padding", ["reflect", "zeros", "edge"])
def test_centred_frames_equal_librosa(padding):
    librosa = pytest.importorskip("librosa")
    wave = clip("bark", 16_000, 1.01)
    mode = {"reflect": "reflect", "zeros": "constant", "edge": "edge"}[padding]
    known = np.abs(librosa.stft(wave, n_fft=512, win_length=400, hop_length=160, pad_mode=mode)) ** 2
    feature, frames = linear(n_fft=512, padding=padding)(*rows(wave))
    assert frames.item() == known.shape[1]
    np.testing.assert_allclose(feature[0], known, rtol=0, atol=2e-6 * known.max())


def test_a_tone_lands_in_its_bin():
    at = np.arange(8000) / 16_000
    for bin_ in (3, 40, 200):
        tone = np.sin(2 * np.pi * bin_ * 16_000 / 512 * at).astype(np.float32)
        feature, _ = linear(win_ms=32.0)(*rows(tone))
        assert feature[0].argmax(0).eq(bin_).all()
        assert feature[0, bin_].numpy() == pytest.approx((512 / 4) ** 2, rel=1e-4)  # amplitude 1, Hann's mean 1/2, half to each side


def test_parseval():
    """Powers over all bins of both sides are N times the frame's own power."""
    wave = clip("rain", 16_000, 0.5)
    feature, _ = linear(win_ms=32.0, hop_ms=32.0, window="rectangular")(*rows(wave))
    both_sides = feature[0].clone()
    both_sides[1:-1] *= 2
    frames = torch.from_numpy(wave[: 512 * feature.shape[2]]).reshape(-1, 512)
    torch.testing.assert_close(both_sides.sum(0) / 512, frames.square().sum(1), rtol=1e-5, atol=1e-9)


def test_a_click_shifted_by_a_hop_shifts_by_a_frame():
    wave = np.zeros(4000, np.float32)
    wave[2000] = 1
    for padding in ("none", "reflect"):
        first, _ = linear(padding=padding)(*rows(wave))
        second, _ = linear(padding=padding)(*rows(np.roll(wave, 160)))
        assert first.any()
        assert torch.equal(first[..., 3:-4], second[..., 4:-3])


@pytest.mark.parametrize("win", [401, 512, 331, 17, 360])
def test_both_forms_equal_a_plain_transform(win):
    """Any length of transform, prime ones too, against the sum that defines it, in double precision."""
    wave = clip("speech", 16_000, 0.2)
    made = linear(win_ms=win / 16, hop_ms=10.0 if win > 160 else 1.0, n_fft=-1)
    frames = np.lib.stride_tricks.sliding_window_view(wave.astype(np.float64), win)[:: made.hop]
    turns = np.exp(-2j * np.pi * np.outer(np.arange(win), np.arange(win // 2 + 1)) / win)
    known = np.abs((frames * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(win) / win))) @ turns).T ** 2
    for form in (False, True):
        made.spectrum.matrix_form = form
        feature, _ = made(*rows(wave))
        np.testing.assert_allclose(feature[0], known, rtol=0, atol=2e-6 * known.max())


def test_each_row_is_reflected_at_its_own_end():
    short, long = clip("speech", 16_000, 0.21), clip("rain", 16_000, 0.4)
    for padding in ("reflect", "zeros", "edge", "kaldi"):
        made = Spectrogram(16_000, padding=padding)
        alone, frames = made(*rows(short))
        beside, counts = made(*rows(long, short))
        assert counts[1] == frames[0]
        assert torch.equal(beside[1, :, : frames[0]], alone[0])


def test_what_cannot_be_made_is_refused():
    with pytest.raises(RequestError, match="infinite"):
        Spectrogram(16_000, offset=0.0)
    with pytest.raises(RequestError, match="n_fft is 256"):
        Spectrogram(16_000, n_fft=256)
    with pytest.raises(RequestError, match="empty"):
        Spectrogram(16_000, hop_ms=0.0)
    with pytest.raises(ShapeError, match="399 samples; one frame needs 400"):
        Spectrogram(16_000)(torch.zeros(1, 399), torch.tensor([399]))


@pytest.mark.parametrize("padding", ["reflect", "reflect_drop_last", "reflect_silence", "zeros", "edge", "kaldi"])
@pytest.mark.parametrize("samples", [170, 700, 2399, 4000, 9001])
def test_long_rows_are_cut_as_short_ones_are(padding, samples):
    """On the host only the ends of a long wave are copied; with a gradient the whole wave is folded into place."""
    made = linear(padding=padding)
    wave = torch.from_numpy(np.random.default_rng(samples).standard_normal((2, samples)).astype(np.float32))
    length = torch.tensor([samples, max(samples * 2 // 3, 1)])
    fast, counts = made(wave, length)
    slow, _ = made(wave.clone().requires_grad_(), length)
    for i, count in enumerate(counts):
        torch.testing.assert_close(fast[i, :, :count], slow[i, :, :count].detach(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("bins", [1, 2, 3, 5, 7, 23])
def test_a_frame_is_the_same_wherever_it_stands(bins):
    """Bit for bit, for filters that no group of four divides and for more frames than a block holds."""
    made = LogMel(16_000, bins=bins)
    wave = torch.from_numpy(clip("speech", 16_000, 12.0))[None]
    whole, frames = made(wave, torch.tensor([wave.shape[1]]))
    for first, count in ((0, 1), (1, 2), (5, 3), (511, 7), (1000, int(frames) - 1000)):
        piece = wave[:, 160 * first : 160 * (first + count - 1) + 400]
        found, _ = made(piece, torch.tensor([piece.shape[1]]))
        assert torch.equal(found, whole[..., first : first + count])


def test_what_is_not_a_number_stays_where_it_is():
    wave = torch.from_numpy(clip("rain", 16_000, 0.5))[None].repeat(2, 1)
    wave[0, 4000] = torch.nan
    wave[0, 6000] = torch.inf
    feature, _ = LogMel(16_000)(wave, torch.tensor([8000, 8000]))
    assert feature[1].isfinite().all()
    heard = feature[0].isfinite().all(0)
    assert not heard.all()
    assert torch.equal(feature[0][:, heard], feature[1][:, heard])
