from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.frontends.clips import clip, rows

from auricle.errors import RequestError
from auricle.frontends.deltas import Deltas
from auricle.frontends.log_mel import LogMel


def test_a_slope_is_librosa_s_line():
    """A line fitted to nine frames: librosa's delta of order 1 away from the ends."""
    librosa = pytest.importorskip("librosa")
    made = Deltas(16_000, of="log_mel", settings={"bins": 8}, orders=1, reach=4, normalise="none")
    feature, _ = made(*rows(clip("speech", 16_000)))
    base, _ = LogMel(16_000, bins=8, normalise="none")(*rows(clip("speech", 16_000)))
    np.testing.assert_allclose(feature[0, :8], base[0, :, 4:-4], rtol=0, atol=1e-6)
    np.testing.assert_allclose(feature[0, 8:], librosa.feature.delta(base[0].numpy(), width=9)[:, 4:-4], rtol=0, atol=1e-4)


def test_a_ramp_has_a_constant_slope_and_none_beyond():
    """An exponential sound's level rises by so many nepers a frame."""
    at = np.arange(32_000) / 16_000
    tone = (np.exp(3 * (at - 2)) * np.sin(2 * np.pi * 1000 * at)).astype(np.float32)
    made = Deltas(16_000, of="log_mel", settings={"bins": 8, "offset": 1e-12}, normalise="none")
    feature, _ = made(*rows(tone))
    loudest = int(feature[0, :8].mean(1).argmax())
    torch.testing.assert_close(feature[0, 8 + loudest], torch.full_like(feature[0, 0], 2 * 3 * 0.01), rtol=0, atol=2e-3)
    assert feature[0, 16 + loudest].abs().max() < 1e-3


def test_edges_that_repeat_keep_every_frame():
    settings = {"of": "log_mel", "settings": {"bins": 8}, "normalise": "none"}
    valid, fewer = Deltas(16_000, **settings)(*rows(clip("speech", 16_000)))
    every, all_of_them = Deltas(16_000, edges="repeat", **settings)(*rows(clip("speech", 16_000)))
    assert all_of_them - fewer == 8
    assert torch.equal(every[..., 4:-4], valid)


def test_normalising_twice_is_refused():
    with pytest.raises(RequestError, match=r"set frontend\.normalise"):
        Deltas(16_000, settings={"normalise": "none"})
    with pytest.raises(RequestError, match="did you mean coefficients"):
        Deltas(16_000, settings={"coefficient": 3})
