"""The gradient by way of the Fourier transform is torch's own."""

from __future__ import annotations

import pytest
import torch

from auricle.layers.large_kernel import correlation, large_kernel


def draws(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("size", [(23, 23), (11, 13), (3, 41)])
@pytest.mark.parametrize("map_", [(31, 40), (7, 5), (1, 60)])
def test_every_gradient_is_torchs(size, map_):
    found = []
    for way in (
        large_kernel,
        lambda x, kernel, bias: torch.nn.functional.conv2d(x, kernel, bias, padding=[n // 2 for n in size], groups=4),
    ):
        x, kernel, bias = (each.requires_grad_() for each in (draws(3, 4, *map_), draws(4, 1, *size), draws(4)))
        y = way(x, kernel, bias)
        (y * draws(3, 4, *map_)[..., torch.arange(map_[1] - 1, -1, -1)]).sum().backward()
        found.append((y.detach(), x.grad, kernel.grad, bias.grad))
    assert found[0][2].shape == (4, 1, *size)
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5 * float(other.abs().max()), rtol=0)


def test_correlation_is_the_sum_that_it_says():
    x, y = draws(2, 1, 6, 5), draws(2, 1, 6, 5)
    found = correlation(x, y, bins=5, frames=3)[0, 0]
    for i in range(5):
        for j in range(3):
            total = 0.0
            for f in range(6):
                for n in range(5):
                    g, m = f + i - 2, n + j - 1
                    if 0 <= g < 6 and 0 <= m < 5:
                        total += float((x[:, 0, g, m] * y[:, 0, f, n]).sum())
            assert float(found[i, j]) == pytest.approx(total, abs=1e-5)


def test_gradients_are_those_of_finite_differences():
    x, kernel, bias = (each.double().requires_grad_() for each in (draws(2, 2, 4, 5), draws(2, 1, 11, 11), draws(2)))
    assert torch.autograd.gradcheck(large_kernel, (x, kernel, bias))


def test_in_mixed_precision_the_kernel_learns_in_single():
    x, kernel = draws(2, 3, 20, 30), draws(3, 1, 15, 15).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        y = large_kernel(x, kernel, draws(3))
    assert y.dtype == torch.bfloat16
    y.float().square().sum().backward()
    whole = draws(3, 1, 15, 15).requires_grad_()
    torch.nn.functional.conv2d(x, whole, draws(3), padding=7, groups=3).square().sum().backward()
    assert kernel.grad.dtype == torch.float32
    torch.testing.assert_close(kernel.grad, whole.grad, atol=0.02 * float(whole.grad.abs().max()), rtol=0)


def test_small_kernels_and_those_that_rest_are_torchs_alone():
    y = large_kernel(draws(1, 3, 9, 9), draws(3, 1, 12, 12).requires_grad_(), draws(3))
    assert y.shape == (1, 3, 10, 10)
    assert "Convolution" in type(y.grad_fn).__name__
    for kernel in (draws(3, 1, 7, 7).requires_grad_(), draws(3, 1, 23, 23)):
        y = large_kernel(draws(1, 3, 9, 9).requires_grad_(), kernel, draws(3))
        assert y.shape == (1, 3, 9, 9)
        assert "Convolution" in type(y.grad_fn).__name__
