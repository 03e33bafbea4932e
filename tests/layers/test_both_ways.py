"""Two recurrences are torch's own bidirectional layer, each row from its own end."""

from __future__ import annotations

import pytest
import torch

from auricle.layers.both_ways import BothWays


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@torch.no_grad()
def test_is_torchs_own_bidirectional_layer(cell):
    torch.manual_seed(0)
    layer = BothWays(5, 4, cell=cell)
    own = (torch.nn.LSTM if cell == "lstm" else torch.nn.GRU)(5, 4, batch_first=True, bidirectional=True)
    for suffix, part in (("", layer.onward), ("_reverse", layer.backward_)):
        for name, value in part.named_parameters():
            getattr(own, name + suffix).copy_(value)
    sequence, length = torch.randn(2, 9, 5), torch.tensor([9, 6])
    packed = torch.nn.utils.rnn.pack_padded_sequence(sequence, length, batch_first=True)
    wanted, _ = torch.nn.utils.rnn.pad_packed_sequence(own(packed)[0], batch_first=True)
    found = layer(sequence, length)
    assert torch.allclose(found[0], wanted[0], atol=1e-6)
    assert torch.allclose(found[1, :6], wanted[1, :6], atol=1e-6)
