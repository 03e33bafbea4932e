"""The convolutional recurrent network: torch's own bidirectional layer, the streaming form, and both in a file."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from auricle.contracts.models import models
from auricle.errors import RequestError
from auricle.models.crnn import Crnn

TINY = {"channels": (3, 4), "bin_pools": (2, 2), "time_pools": (2, 1), "hidden": 6}


@pytest.mark.parametrize("layers", [1, 2])
def test_the_streaming_form_keeps_every_promise(layers):
    verdicts = list(models(partial(Crnn, **TINY, layers=layers, bidirectional=False)))
    failed = [f"{v.name}: {v.sentence}" for v in verdicts if not v.passed]
    assert not failed, "\n".join(failed)
    assert "six chunkings" in next(v.sentence for v in verdicts if v.name == "stream")


@pytest.mark.parametrize("layers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_file_answers_and_streams_as_torch_does(exported, layers):
    parity = exported(
        {"name": "crnn", **{k: list(v) if isinstance(v, tuple) else v for k, v in TINY.items()}, "layers": layers, "bidirectional": False}
    )
    assert 0 < parity.streams < 1e-5
    assert parity.clips < 1e-5


@pytest.mark.slow
def test_a_file_of_both_ways_answers_as_torch_does(exported):
    parity = exported({"name": "crnn", "hidden": 8, "channels": [4, 6, 8, 8]})
    assert parity.streams == 0
    assert parity.clips < 1e-5


@torch.no_grad()
def test_both_ways_is_torchs_own_bidirectional_layer():
    model = Crnn(6, **TINY, layers=2).eval()
    own = torch.nn.GRU(4, 6, 2, batch_first=True, bidirectional=True)
    for layer in range(2):
        for suffix, part in (("", model.onward), ("_reverse", model.backward_)):
            for name, value in part[layer].named_parameters():
                getattr(own, name.replace("l0", f"l{layer}") + suffix).copy_(value)
    feature, length = torch.randn(2, 6, 18, generator=torch.Generator().manual_seed(0)), torch.tensor([18, 12])
    x = feature[:, None] * (torch.arange(18) < length[:, None])[:, None, None]
    for i, size in enumerate(((2, 2), (2, 1))):
        x = torch.nn.functional.conv2d(x, model.convolutions[i].conv.weight, padding=1)
        x = torch.nn.functional.avg_pool2d(torch.relu(model.norms[i](x)), size)
        x = x * (torch.arange(x.shape[-1]) < (length // 2)[:, None])[:, None, None]
    packed = torch.nn.utils.rnn.pack_padded_sequence(x.flatten(1, 2).transpose(1, 2), length // 2, batch_first=True)
    wanted, _ = torch.nn.utils.rnn.pad_packed_sequence(own(packed)[0], batch_first=True)
    found = model(feature, length)[0].transpose(1, 2)
    assert torch.allclose(found[0], wanted[0], atol=1e-6)
    assert torch.allclose(found[1, :6], wanted[1, :6], atol=1e-6)


def test_pools_that_do_not_fit_are_refused():
    with pytest.raises(RequestError, match="leave nothing of 8 bins"):
        Crnn(8)
    with pytest.raises(RequestError, match="name 1, 4 and 4 layers"):
        Crnn(40, channels=(8,))
