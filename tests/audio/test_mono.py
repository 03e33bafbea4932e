from __future__ import annotations

import numpy as np
import pytest

from auricle.audio.mono import energies, mono
from auricle.errors import ShapeError

STEREO = np.array([[0.5, -0.5, 0.1], [0.9, 0.3, -0.1]], np.float32)


def test_policies() -> None:
    assert np.allclose(mono(STEREO), [0.7, -0.1, 0.0])
    assert np.array_equal(mono(STEREO, "first"), STEREO[0])
    assert np.array_equal(mono(STEREO, "loudest"), STEREO[1])
    assert np.array_equal(mono(STEREO[::-1], "loudest"), STEREO[1])
    assert np.allclose(energies(STEREO), (STEREO.astype(float) ** 2).sum(axis=1))


@pytest.mark.parametrize("channels", ["mean", "first", "loudest"])
def test_one_channel_is_itself(channels: str) -> None:
    assert np.array_equal(mono(STEREO[:1], channels), STEREO[0])
    assert mono(np.zeros((2, 0), np.float32), channels).shape == (0,)


def test_opposite_channels_cancel_only_in_the_mean() -> None:
    wave = np.stack([STEREO[0], -STEREO[0]])
    assert not mono(wave).any()
    assert mono(wave, "loudest").any()


def test_wrong_shapes_and_policies() -> None:
    for wave in (np.zeros(5, np.float32), np.zeros((0, 5), np.float32)):
        with pytest.raises(ShapeError, match="has shape"):
            mono(wave)
    with pytest.raises(ShapeError, match="there are mean, first, loudest"):
        mono(STEREO, "left")
