"""The last valid step, of clips and of streams, in a pipe."""

from __future__ import annotations

import torch

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.heads.last import Last
from auricle.types import Task


@torch.no_grad()
def test_takes_each_rows_own_last_step():
    head = Last(3, 2)
    hidden = torch.randn(3, 3, 5, generator=torch.Generator().manual_seed(0))
    found = head(hidden, torch.tensor([5, 2, 0]))
    for row, at in enumerate((4, 1, 0)):
        assert torch.allclose(found[row], head.linear(hidden[row, :, at]))


@torch.no_grad()
def test_a_streams_answer_is_that_of_the_clip_so_far():
    torch.manual_seed(0)
    recipe = recipes.parse(
        {"sample_rate": 8000, "model": {"name": "lstm", "hidden": 5}, "head": "last", "frontend": {"name": "log_mel", "bins": 8}}
    )
    pipe = bundles.build(recipe, Task(("a", "b"))).eval()
    wave = 0.1 * torch.randn(1, 3000)
    state = pipe.start()
    parts = []
    for chunk in wave.split([10, 500, 1490, 1000], dim=1):
        logits, state = pipe.step(chunk, state)
        parts.append(logits)
    track = torch.cat(parts, dim=-1)
    for step in (1, 10, track.shape[-1]):
        samples = (step - 1) * pipe.hop + pipe.overlap + pipe.hop
        assert torch.allclose(track[..., step - 1], pipe(wave[:, :samples], torch.tensor([samples])), atol=1e-6)
