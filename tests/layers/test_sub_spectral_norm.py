"""Each band of each channel is normalised by itself."""

from __future__ import annotations

import torch

from auricle.layers.sub_spectral_norm import SubSpectralNorm


def test_equals_a_batch_norm_on_each_band():
    x = torch.randn(3, 2, 10, 7, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 11).view(1, 1, 10, 1)
    found = SubSpectralNorm(2, bins=10, bands=5).train()(x)
    for channel in range(2):
        for band in range(5):
            part = x[:, channel, 2 * band : 2 * band + 2]
            wanted = (part - part.mean()) / (part.var(unbiased=False) + 1e-5).sqrt()
            assert torch.allclose(found[:, channel, 2 * band : 2 * band + 2], wanted, atol=1e-5)


def test_takes_as_many_equal_bands_as_there_can_be():
    assert [SubSpectralNorm(1, bins=bins).bands for bins in (20, 8, 3, 7, 1)] == [5, 4, 3, 1, 1]
