"""The two forms of a convolution over time: against torch's own padding, and frame by frame."""

from __future__ import annotations

import pytest
import torch

from auricle.layers.time_conv2d import TimeConv2d


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (3, 1, 4), (9, 2, 1), (1, 2, 1), (5, 3, 2), (4, 4, 1)])
@torch.no_grad()
def test_same_is_torchs_symmetric_padding(kernel, stride, dilation):
    layer = TimeConv2d(2, 3, kernel=(3, kernel), stride=(2, stride), dilation=dilation)
    x = noise(1, 2, 7, 24)
    found = layer(x, torch.tensor([24]))
    padding = (1, dilation * (kernel - 1) // 2)
    wanted = torch.nn.functional.conv2d(x, layer.conv.weight, stride=(2, stride), padding=padding, dilation=(1, dilation))
    assert found.shape[-1] == 24 // stride
    assert torch.allclose(found, wanted[..., : 24 // stride], atol=1e-6)


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (3, 1, 4), (9, 2, 1), (1, 2, 1)])
@pytest.mark.parametrize("causal", [True, False])
@torch.no_grad()
def test_looks_ahead_exactly_as_far_as_it_says(kernel, stride, dilation, causal):
    layer = TimeConv2d(1, 1, kernel=(1, kernel), stride=(1, stride), dilation=dilation, causal=causal)
    x, step = noise(1, 1, 1, 48), 12
    last = (step + 1) * stride - 1 + layer.lookahead  # the last frame that the step may hear
    length = torch.tensor([48])
    for frame in range(48):
        other = x.clone()
        other[..., frame] += 1
        changed = bool(layer(other, length)[..., step] != layer(x, length)[..., step])
        assert not (changed and frame > last)
        if frame == last and kernel > stride:
            assert changed
    assert not causal or layer.lookahead == 0


@torch.no_grad()
def test_one_frame_at_a_time_is_the_whole_clip():
    layer = TimeConv2d(2, 4, kernel=(3, 3), dilation=2, groups=2, causal=True)
    x = noise(2, 2, 5, 12)
    past, steps = layer.start(2, 5), []
    for frame in x.split(1, dim=-1):
        step, past = layer.step(frame, past)
        steps.append(step)
    assert torch.allclose(torch.cat(steps, dim=-1), layer(x, torch.tensor([12, 12])), atol=1e-6)
