from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.frontends.clips import clip, rows
from tests.reference.make_colour_maps import maps

from auricle.errors import RequestError
from auricle.frontends.picture import Picture
from auricle.layers.resized import resized


@pytest.mark.parametrize("frames", [7, 100, 224, 301, 1000])
def test_resizing_is_antialiased_as_torch_s(frames):
    level = torch.rand(2, 5, frames)
    known = torch.nn.functional.interpolate(level[:, None], size=(5, 224), mode="bilinear", antialias=True)[:, 0]
    made = resized(level, torch.tensor([frames, frames]), 224)
    torch.testing.assert_close(made, known, rtol=1e-4, atol=1e-5)


def test_rows_are_resized_over_their_own_frames():
    level = torch.rand(1, 5, 90)
    padded = torch.cat([level, torch.full((1, 5, 60), 9.0)], dim=2)
    torch.testing.assert_close(resized(padded, torch.tensor([90]), 224), resized(level, torch.tensor([90]), 224), rtol=1e-5, atol=1e-6)


def test_a_tone_is_a_line_low_ones_at_the_bottom():
    at = np.arange(32_000) / 16_000
    where = []
    for hertz in (300.0, 3000.0):
        picture, width = Picture(16_000, normalise="none")(*rows((0.3 * np.sin(2 * np.pi * hertz * at)).astype(np.float32)))
        assert picture.shape == (1, 3, 224, 224)
        assert width.item() == 224
        lines = picture[0, 0].mean(1)
        assert (lines > 0.8).sum() < 20
        where.append(int(lines.argmax()))
    assert where[0] > where[1] + 40


def test_one_channel_repeated_has_imagenet_s_statistics():
    wave = rows(clip("bark", 32_000))
    plain, _ = Picture(32_000, normalise="none")(*wave)
    assert torch.equal(plain[:, 0], plain[:, 2])
    assert plain.amin() >= 0
    assert 0.9 < plain.amax() <= 1
    made, _ = Picture(32_000)(*wave)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(made, (plain - mean[:, None, None]) / deviation[:, None, None], rtol=1e-4, atol=1e-5)


def test_colours_are_matplotlib_s():
    matplotlib = pytest.importorskip("matplotlib")
    wave = rows(clip("speech", 16_000))
    grey, _ = Picture(16_000, normalise="none")(*wave)
    for name, table in maps().items():
        made, _ = Picture(16_000, colours=name, normalise="none")(*wave)
        known = matplotlib.colormaps[name](grey[0, 0].numpy().clip(0, 1))[..., :3]
        np.testing.assert_allclose(made[0].permute(1, 2, 0), known, rtol=0, atol=2e-6)
        assert len(np.unique(made[0].flatten(1).T.round(decimals=4), axis=0)) <= len(table)


def test_a_fixed_stretch_keeps_loudness():
    wave = clip("speech", 16_000)
    made = Picture(16_000, stretch="fixed", normalise="none")
    assert made(*rows(wave))[0].mean() > made(*rows(wave / 4))[0].mean() + 0.02


def test_an_empty_picture_is_refused():
    with pytest.raises(RequestError, match="0 × 224"):
        Picture(16_000, height=0)
