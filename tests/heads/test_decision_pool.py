"""Decisions at each step against the published code: answers of clips and frames, the layout of whole networks, a slow reading.

`reference/decision_level.json` was written by `reference/make_decision_level.py`.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from auricle.contracts.heads import heads
from auricle.errors import RequestError
from auricle.frontends.log_mel import LogMel
from auricle.heads.decision_pool import DecisionPool
from auricle.heads.mean_pool import MeanPool
from auricle.models._panns import convert
from auricle.models.cnn14 import Cnn14
from auricle.pipe import Pipe

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "decision_level.json").read_text(encoding="utf-8"))
DIM, HIDDEN, CLASSES, STEPS, FRAMES = 12, 8, 5, 6, 201


def formula(name: str, shape: list[int]) -> torch.Tensor:
    """As the reference has it."""
    wave = torch.cos(torch.arange(torch.Size(shape).numel(), dtype=torch.float64) ** 1.5 + len(name)).float().reshape(shape)
    return wave if len(shape) > 1 else 0.3 * wave


def head_of(pool: str) -> DecisionPool:
    """Small, with the weights of the reference."""
    shapes = {"fc1.weight": [HIDDEN, DIM], "fc1.bias": [HIDDEN]}
    if pool == "attention":
        shapes |= {
            f"att_block.{part}.{what}": [CLASSES, HIDDEN, 1][: 3 if what == "weight" else 1]
            for part in ("att", "cla")
            for what in ("weight", "bias")
        }
    else:
        shapes |= {"fc_audioset.weight": [CLASSES, HIDDEN], "fc_audioset.bias": [CLASSES]}
    head = DecisionPool(DIM, CLASSES, pool=pool, hidden=HIDDEN, dropout=0.5).eval()
    state = convert({"bn0.weight": torch.zeros(1)} | {name: formula(name, shape) for name, shape in shapes.items()})
    head.load_state_dict({name.removeprefix("head."): value for name, value in state.items() if name.startswith("head.")})
    return head


@pytest.mark.parametrize("pool", REFERENCE)
@torch.no_grad()
def test_answers_of_clips_and_frames_are_those_of_the_published_code(pool):
    head = head_of(pool)
    hidden = torch.cos(torch.arange(DIM * STEPS).float() ** 1.3).reshape(1, DIM, STEPS)
    clip, wanted = torch.sigmoid(head(hidden, torch.tensor([STEPS]))[0]), torch.tensor(REFERENCE[pool]["clip"])
    assert wanted.std() > 0.01
    assert torch.allclose(clip, wanted, atol=2e-6)

    class Steps(nn.Module):
        stride, dim = 32, DIM

        def forward(self, feature: torch.Tensor, length: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return hidden, length // 32

    frontend = LogMel(32_000, bins=64, win_ms=32.0)
    pipe = Pipe(frontend, Steps(), head)
    samples = (FRAMES - 1) * frontend.hop + frontend.win
    frames, count = pipe.frames(torch.zeros(1, samples), torch.tensor([samples]))
    assert frames.shape == (1, CLASSES, FRAMES)
    assert count.tolist() == [FRAMES]
    found = torch.sigmoid(frames)[0, :, ::20].T
    assert torch.allclose(found, torch.tensor(REFERENCE[pool]["frames"]), atol=2e-6)


@pytest.mark.parametrize("pool", REFERENCE)
def test_layout_is_the_published_one(pool):
    with torch.device("meta"):
        network = nn.ModuleDict({"model": Cnn14(64), "head": DecisionPool(2048, 527, pool=pool, hidden=2048)})
        state = {name: torch.empty(shape) for name, shape in REFERENCE[pool]["layout"].items()}
    network.load_state_dict(convert(state), assign=True)  # strict: no name is missing, none left, every shape right
    extra = 527 * 2048 + 527 if pool == "attention" else 0
    assert sum(p.numel() for p in network.parameters()) == 80_753_615 + extra


@pytest.mark.parametrize("pool", REFERENCE)
@torch.no_grad()
def test_padding_never_counts_and_sure_steps_stay_finite(pool):
    head = head_of(pool)
    hidden = 30 * torch.randn(2, DIM, 9, generator=torch.Generator().manual_seed(0))
    both = head(hidden, torch.tensor([9, 4]))
    assert both.isfinite().all()
    assert both.abs().max() > 20  # probabilities that a float would round to 0 or 1
    assert torch.allclose(both[1], head(hidden[1:, :, :4], torch.tensor([4]))[0], rtol=1e-5)
    assert torch.allclose(
        head.frames(hidden, torch.tensor([9, 4]))[1, :, :4], head.frames(hidden[1:, :, :4], torch.tensor([4]))[0], rtol=1e-5
    )


@pytest.mark.parametrize("pool", ["mean", "attention"])
def test_every_form_keeps_every_promise(pool):
    failed = [f"{v.name}: {v.sentence}" for v in heads(partial(DecisionPool, pool=pool, hidden=6)) if not v.passed]
    assert not failed, "\n".join(failed)


def test_other_heads_say_that_they_decide_for_whole_clips():
    pipe = Pipe(LogMel(8000), nn.Identity(), MeanPool(4, 2))
    with pytest.raises(RequestError, match="MeanPool decides for whole clips"):
        pipe.frames(torch.zeros(1, 8000), torch.tensor([8000]))
