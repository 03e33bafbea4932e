"""The causal network: its size by hand, what each step hears, streams."""

from __future__ import annotations

import pytest
import torch

from auricle.errors import RequestError
from auricle.models.cnn import Cnn


def _cnn(bins: int = 13, width: int = 3, blocks: tuple[int, ...] = (1, 2), strides: tuple[int, ...] = (2, 2), dim: int = 8) -> Cnn:
    torch.manual_seed(0)
    return Cnn(bins, width=width, blocks=blocks, time_strides=strides, dim=dim).double().eval()


@pytest.mark.parametrize(
    ("bins", "width", "blocks", "dim"), [(64, 16, (1, 2, 2, 1), 128), (40, 12, (1, 1, 1), 64), (13, 3, (2, 1), 8), (1, 4, (1,), 2)]
)
def test_parameters_by_hand(bins: int, width: int, blocks: tuple[int, ...], dim: int) -> None:
    count, channels, height = 0, 1, bins
    for stage, number in enumerate(blocks):
        for block in range(number):
            out = width * 2**stage
            count += 9 * channels * out + 2 * out + 9 * out * out + 2 * out  # two convolutions, a scale and a shift each
            if block == 0:
                count += channels * out + 2 * out  # the shortcut
                height = (height + 1) // 2
            channels = out
    count += channels * height * dim + 2 * dim
    net = Cnn(bins, width=width, blocks=blocks, time_strides=(1,) * len(blocks), dim=dim)
    assert sum(p.numel() for p in net.parameters()) == count


def test_default_is_small() -> None:
    assert sum(p.numel() for p in Cnn(64).parameters()) < 1_000_000


@torch.no_grad()
def test_no_step_hears_the_future_and_each_hears_its_present() -> None:
    net = _cnn()
    x = torch.randn(1, 13, 24, dtype=torch.float64)
    whole, _ = net(x, torch.tensor([24]))
    assert whole.shape == (1, 8, 6)
    heard = torch.zeros(24, 6, dtype=torch.bool)
    for n in range(24):
        other = x.clone()
        other[..., n] += 3 * torch.randn(13, dtype=torch.float64)
        heard[n] = (net(other, torch.tensor([24]))[0] != whole).any(1)[0]
    for n in range(24):
        assert not bool(heard[n, : n // 4].any())  # lookahead is 0
        assert bool(heard[n, n // 4])


@torch.no_grad()
def test_steps_are_whole_strides() -> None:
    net = _cnn()
    for frames in range(4, 20):
        hidden, steps = net(torch.randn(2, 13, frames, dtype=torch.float64), torch.tensor([frames, frames - 3]))
        assert hidden.shape[-1] == frames // 4
        assert steps.tolist() == [frames // 4, (frames - 3) // 4]


@pytest.mark.parametrize("cuts", [[4] * 10, [8, 4, 28], [40]])
@torch.no_grad()
def test_stream_equals_whole(cuts: list[int]) -> None:
    net = _cnn()
    x = torch.randn(2, 13, 40, dtype=torch.float64)
    state, parts = net.start(2), []
    sizes = {k: v.shape for k, v in state.items()}
    for piece in x.split(cuts, dim=-1):
        hidden, state = net.step(piece, state)
        parts.append(hidden)
        assert {k: v.shape for k, v in state.items()} == sizes
    torch.testing.assert_close(torch.cat(parts, -1), net(x, torch.tensor([40, 40]))[0])


def test_stages_that_do_not_match_are_refused() -> None:
    with pytest.raises(RequestError, match=r"names 2 stages and model\.time_strides 1"):
        Cnn(8, blocks=(1, 1), time_strides=(2,))
