"""Maximum plus mean with a hidden layer between: what it computes, and its stream."""

from __future__ import annotations

from functools import partial

import torch

from auricle.contracts.heads import heads
from auricle.heads.max_mean_pool import MaxMeanPool


def test_a_hidden_layer_keeps_every_promise():
    failed = [f"{v.name}: {v.sentence}" for v in heads(partial(MaxMeanPool, hidden=5, dropout=0.5)) if not v.passed]
    assert not failed, "\n".join(failed)


@torch.no_grad()
def test_equals_the_equations():
    head = MaxMeanPool(3, 2, hidden=4).eval()
    hidden, length = torch.randn(1, 3, 6, generator=torch.Generator().manual_seed(0)), torch.tensor([4])
    pooled = hidden[0, :, :4].max(1).values + hidden[0, :, :4].mean(1)
    (units,) = (layer for layer in head.embed if isinstance(layer, torch.nn.Linear))
    wanted = head.linear((units.weight @ pooled + units.bias).clamp(min=0))
    assert torch.allclose(head(hidden, length)[0], wanted, atol=1e-6)


def test_a_window_of_steps_can_be_written_for_any_number_of_them():
    class Step(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = MaxMeanPool(4, 3).eval()

        def forward(self, hidden, recent, count):
            return self.head.step(hidden, {"recent": recent, "count": count})

    anything = torch.export.Dim.DYNAMIC
    hidden, state = torch.randn(2, 4, 13), Step().head.start(2, window=5)
    shapes = ({0: anything, 2: anything}, {0: anything}, {0: anything})
    written = torch.export.export(Step(), (hidden, state["recent"], state["count"]), dynamic_shapes=shapes).module()
    assert written(torch.randn(3, 4, 7), torch.zeros(3, 4, 5), torch.zeros(3, 1))[0].shape == (3, 3, 7)
