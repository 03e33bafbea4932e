"""The causal convolution against a loop, and against perturbation of the future."""

from __future__ import annotations

import pytest
import torch

from auricle.layers.causal_conv2d import CausalConv2d

_SHAPES = [((3, 3), (1, 1), 1), ((3, 3), (2, 2), 1), ((5, 4), (2, 2), 1), ((1, 2), (1, 1), 2), ((3, 5), (2, 1), 2)]


def _layer(kernel: tuple[int, int], stride: tuple[int, int], groups: int) -> CausalConv2d:
    torch.manual_seed(0)
    return CausalConv2d(2, 4, kernel=kernel, stride=stride, groups=groups).double()


def _slow(layer: CausalConv2d, x: torch.Tensor) -> torch.Tensor:
    """Output [o, f, m] = Σ w[o, c, i, j] x[c, f·sf + i - kf//2, m·st + st - 1 - (kt - 1 - j)], zeros outside."""
    weight = layer.conv.weight
    (bins, frames), (kf, kt), (sf, st) = x.shape[2:], layer.conv.kernel_size, layer.conv.stride
    out = x.new_zeros(x.shape[0], 4, -(-bins // sf), frames // st)
    per = 4 // layer.conv.groups
    for o in range(4):
        first = (o // per) * weight.shape[1]
        for f in range(out.shape[2]):
            for m in range(out.shape[3]):
                for i in range(kf):
                    for j in range(kt):
                        b, n = f * sf + i - kf // 2, m * st + st - 1 - (kt - 1 - j)
                        if 0 <= b < bins and n >= 0:
                            out[:, o, f, m] += x[:, first : first + weight.shape[1], b, n] @ weight[o, :, i, j]
    return out


@pytest.mark.parametrize(("kernel", "stride", "groups"), _SHAPES)
@torch.no_grad()
def test_equals_the_loop(kernel: tuple[int, int], stride: tuple[int, int], groups: int) -> None:
    layer = _layer(kernel, stride, groups)
    for frames in (2, 5, 8):
        x = torch.randn(2, 2, 7, frames, dtype=torch.float64)
        torch.testing.assert_close(layer(x), _slow(layer, x))


@pytest.mark.parametrize(("kernel", "stride", "groups"), _SHAPES)
@torch.no_grad()
def test_no_output_hears_the_future(kernel: tuple[int, int], stride: tuple[int, int], groups: int) -> None:
    layer = _layer(kernel, stride, groups)
    x = torch.randn(1, 2, 7, 12, dtype=torch.float64)
    whole = layer(x)
    for n in range(12):
        other = x.clone()
        other[..., n] += 1.0
        changed = (layer(other) != whole).any(2).any(1)[0]
        assert not bool(changed[: n // stride[1]].any())
        assert n // stride[1] >= len(changed) or bool(changed[n // stride[1]])


@pytest.mark.parametrize(("kernel", "stride", "groups"), _SHAPES)
@torch.no_grad()
def test_stream_equals_whole(kernel: tuple[int, int], stride: tuple[int, int], groups: int) -> None:
    layer = _layer(kernel, stride, groups)
    x = torch.randn(3, 2, 7, 24, dtype=torch.float64)
    for cuts in ([2] * 12, [4, 12, 8], [24]):
        past, parts = layer.start(3, 7), []
        for piece in x.split(cuts, dim=-1):
            y, past = layer.step(piece, past)
            parts.append(y)
            assert past.shape == (3, 2, 7, kernel[1] - stride[1])
        torch.testing.assert_close(torch.cat(parts, -1), layer(x))
