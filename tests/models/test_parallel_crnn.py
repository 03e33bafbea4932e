"""Bands cut at their frequencies: which bins each hears, what a front end must know, attention, and a file."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.contracts.models import models
from auricle.errors import RequestError
from auricle.models.parallel_crnn import ParallelCrnn
from auricle.types import Task

TINY = {"channels": (3, 4), "bin_pools": (2, 2), "time_pools": (2, 1), "hidden": 5}


def built(frontend: dict[str, object], **settings: object):
    model = {"name": "parallel_crnn", **{k: list(v) if isinstance(v, tuple) else v for k, v in (TINY | settings).items()}}
    torch.manual_seed(0)
    return bundles.build(recipes.parse({"sample_rate": 16_000, "frontend": frontend, "model": model}), Task(("a", "b"))).eval()


@pytest.mark.parametrize("name", ["log_mel", "pcen", "spectrogram", "filter_bank"])
@torch.no_grad()
def test_a_tone_is_heard_by_the_band_of_its_frequency(name):
    pipe = built({"name": name, "normalise": "none", **({"gain": 0.0} if name == "pcen" else {})}, edges_hz=(700.0, 3000.0))
    heard = []
    for band in pipe.model.bands:
        band.register_forward_pre_hook(lambda _, given: heard.append(float((given[0] if name == "pcen" else given[0].exp()).mean())))
    t = torch.arange(16_000) / 16_000
    for hertz, wanted in ((150, 0), (500, 0), (1000, 1), (2200, 1), (4000, 2), (7000, 2)):
        heard.clear()
        pipe(0.3 * torch.sin(2 * torch.pi * hertz * t)[None], torch.tensor([16_000]))
        assert len(heard) == 3
        assert max(range(3), key=heard.__getitem__) == wanted, (hertz, heard)


def test_front_ends_that_know_no_frequencies_are_told():
    with pytest.raises(RequestError, match=r"edges_hz is \[500, 2000\], but the bins of this front end are no frequencies"):
        built({"name": "mfcc"})
    assert built({"name": "mfcc", "coefficients": 13}, edges_hz=(), bands=2).model.bounds == (0, 6, 13)
    with pytest.raises(RequestError, match=r"band without a bin: the front end's 64 bins lie between 96 and 7632 Hz"):
        built({"name": "log_mel"}, edges_hz=(500.0, 7990.0))


@pytest.mark.parametrize("edges", [(2000.0, 500.0), (0.0, 500.0), (500.0, 500.0)])
def test_edges_that_do_not_rise_are_refused(edges):
    with pytest.raises(RequestError, match="that rise"):
        ParallelCrnn(40, edges_hz=edges)
    with pytest.raises(RequestError, match="2 bins make no 3 bands"):
        ParallelCrnn(2)


def test_parameters_by_hand_wherever_the_bands_lie():
    band = sum(9 * a * b + 2 * b for a, b in ((1, 16), (16, 32), (32, 64)))
    recurrence = 2 * 4 * 96 * (3 * 64 + 96 + 2)
    wanted = 3 * band + recurrence + 2 * 96
    for bins in (40, 64):
        assert sum(p.numel() for p in ParallelCrnn(bins).parameters()) == wanted
    low = built({"name": "log_mel"}, edges_hz=(200.0, 400.0))
    assert sum(p.numel() for p in low.parameters()) == sum(p.numel() for p in built({"name": "log_mel"}).parameters())


@torch.no_grad()
def test_the_mean_of_the_steps_is_the_attentions():
    torch.manual_seed(0)
    model = ParallelCrnn(12, **TINY).eval()
    plain = ParallelCrnn(12, **TINY, attention=False).eval()
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if k != "score.weight"})
    model.score.weight.mul_(60)
    x, length = torch.randn(2, 12, 30), torch.tensor([30, 21])
    weighed, steps = model(x, length)
    sequence, _ = plain(x, length)
    for row, count in enumerate(steps.tolist()):
        valid = sequence[row, :, :count]
        share = (model.score.weight @ valid.tanh()).softmax(-1)
        assert share.max() > 1.3 / count
        assert torch.allclose(weighed[row, :, :count].mean(-1), (valid * share).sum(-1), atol=1e-6)


def test_without_attention_or_frequencies_it_keeps_every_promise():
    make = partial(ParallelCrnn, **TINY, attention=False, edges_hz=(), bands=2)
    failed = [f"{v.name}: {v.sentence}" for v in models(make) if not v.passed]
    assert not failed, "\n".join(failed)


@pytest.mark.slow
def test_a_file_answers_as_torch_does(exported):
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in TINY.items()}
    parity = exported({"name": "parallel_crnn", **settings, "edges_hz": [600.0, 1800.0]}, head="attention_pool")
    assert 0 < parity.clips < 1e-5
