"""Measures of networks against hand-derived ones: products, receptive fields, look-ahead; the published counts to their last digit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from auricle import bundle, catalog, recipe
from auricle.reports.network import counted, measure, products, reach, usual
from auricle.types import Spec, Task


class Stack(nn.Module):
    """Convolutions over time with a pool between them."""

    stride = 3

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, 4, 5, padding=2)
        self.second = nn.Conv1d(4, 4, 3, padding=(3 - 1) * 2, dilation=2)

    def forward(self, feature, length):
        x = nn.functional.max_pool1d(torch.relu(self.first(feature)), 3)
        return self.second(x)[..., : x.shape[-1]], length // 3


def test_a_receptive_field_by_hand():
    # A step pools three frames, each of which hears two either way: 2 behind. The second convolution looks 4 steps of 3 frames back.
    assert reach(Stack().eval(), 4) == (2 + 4 * 3, 2)


def test_gradients_see_the_same_receptive_field():
    torch.manual_seed(0)
    model = catalog.load("models", "tc_resnet")(20).double().eval()
    feature = torch.randn(8, 20, 512, dtype=torch.float64, requires_grad=True)
    step = 40
    hidden, _ = model(feature, torch.full((8,), 512))
    hidden[..., step].square().sum().backward()
    heard = feature.grad.abs().sum((0, 1)).nonzero().flatten()
    past, ahead = reach(model.float(), 20)
    assert int(heard.min()) == step * model.stride - past
    assert int(heard.max()) == (step + 1) * model.stride - 1 + ahead


def test_whole_clips_and_all_before():
    lstm = catalog.load("models", "lstm")
    assert reach(lstm(8).eval(), 8) == (-1, 0)
    assert reach(lstm(8, bidirectional=True).eval(), 8) == (-1, -1)


def test_products_by_hand():
    length = torch.tensor([50])
    assert counted(Stack().eval(), torch.randn(1, 4, 48), length) == 48 * 4 * 4 * 5 + (16 + 4) * 4 * 4 * 3
    recurrence = nn.LSTM(10, 7, num_layers=2, bidirectional=True)
    # Four gates, of the input and of the own last answer, both ways; the second layer hears both of the first.
    assert counted(recurrence, torch.randn(20, 1, 10)) == 20 * 2 * 4 * 7 * ((10 + 7) + (14 + 7))
    assert counted(nn.GRU(10, 7), torch.randn(20, 1, 10)) == 20 * 3 * 7 * (10 + 7)
    attention = nn.TransformerEncoderLayer(16, 4, dim_feedforward=32, batch_first=True).eval()
    assert counted(attention, torch.randn(1, 30, 16)) == 30 * (4 * 16 * 16 + 2 * 16 * 32) + 2 * 30 * 30 * 16


def macs(name: str, *, hidden: int, bins: int = 64, **settings) -> int:
    """For 10 s, model and head of 527 classes, without the front end."""
    frontend = {"name": "log_mel", "flavour": "panns_32k", "bins": bins}
    head = {"name": "max_mean_pool", "hidden": hidden, "norm": not hidden}
    made = recipe.parse({"sample_rate": 32_000, "frontend": frontend, "model": {"name": name, **settings}, "head": head})
    pipe = bundle.build(made, Task(tuple(map(str, range(527))), "multi")).eval()
    return products(pipe, seconds=10.0, sample_rate=32_000) + counted(pipe.head, torch.randn(1, pipe.model.dim, 31), torch.tensor([31]))


@pytest.mark.parametrize(
    ("name", "published", "settings"),
    [
        ("mobile_net_v1", "0.740", {"hidden": 1024}),
        ("mobile_net_v2", "0.342", {"hidden": 1024}),
        ("conv_next", "4.46", {"hidden": 0, "bins": 224, "stem_kernel": (4, 18), "stem_stride": (4, 18), "stem_padding": 9}),
        pytest.param("cnn6", "9.93", {"hidden": 512}, marks=pytest.mark.slow),
        pytest.param("cnn10", "13.02", {"hidden": 512}, marks=pytest.mark.slow),
        pytest.param("cnn14", "20.04", {"hidden": 2048}, marks=pytest.mark.slow),
        pytest.param("res_net38", "23.39", {"hidden": 2048}, marks=pytest.mark.slow),
        pytest.param("cnn14_separable", "5.99", {"hidden": 2048}, marks=pytest.mark.slow),
        pytest.param("cnn14_separable", "12.27", {"hidden": 2048, "pointwise": True}, marks=pytest.mark.slow),
        pytest.param("conv_next", "19.95", {"hidden": 0, "bins": 224}, marks=pytest.mark.slow),
    ],
)
def test_products_of_published_networks(name, published, settings):
    """Giga-MACs to the last digit that is known, counted on the authors' own code."""
    decimals = len(published.partition(".")[2])
    assert f"{macs(name, **settings) / 1e9:.{decimals}f}" == published


@pytest.mark.parametrize(("width", "published"), [(1.0, 2.48), (1.5, 4.61), (2.0, 7.32), (3.0, 14.5), (6.0, 50.3), (8.0, 85.9)])
def test_products_of_bc_resnets(width, published):
    model = catalog.make("models", Spec("bc_resnet", {"width": width}), 40).eval()
    found = counted(model, torch.randn(1, 40, 101), torch.tensor([101]))
    assert found / 1e6 == pytest.approx(published, rel=0.02)


def test_what_is_usual_is_read_where_it_stands():
    assert usual("cnn14").frontend.args["bins"] == 64  # of its published weights
    assert usual("cnn14").sample_rate == 32_000
    assert usual("sound_net8").sample_rate == 22_050  # of its docstring
    assert usual("sound_net8").frontend.args["full_scale"] == 256
    assert usual("bc_resnet").frontend.args["bins"] == 40


def test_seconds_count_the_window():
    found = measure("ds_cnn")
    frames = found.past_frames + catalog.make("models", usual("ds_cnn").model, 10).stride + found.lookahead_frames
    assert found.hears_s == pytest.approx((frames - 1) * 0.010 + 0.025, abs=1e-3)
