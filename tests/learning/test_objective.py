"""One step: the effects act in the recipe's order, on what they are for, and the loss is the task's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from tests.tones import TINY, recipe_of

from auricle.bundle import build
from auricle.errors import RequestError
from auricle.feed import rng
from auricle.learning import experiment
from auricle.learning.objective import Objective, Rows
from auricle.losses.binary_cross_entropy import BinaryCrossEntropy
from auricle.losses.cross_entropy import CrossEntropy
from auricle.recipe import parse
from auricle.types import Batch, Spec, Task

SINGLE, MULTI = Task(("a", "b", "c")), Task(("a", "b", "c"), "multi")


def objective(*effects: Spec, task: Task = SINGLE, loss: Spec | None = None) -> Objective:
    recipe = dataclasses.replace(recipe_of(), augment=effects, loss=loss)
    torch.manual_seed(0)
    return Objective(build(recipe, task), recipe, task, counts=torch.ones(len(task.labels)))


def batch(task: Task = SINGLE) -> Batch:
    wave = torch.randn(4, 3200, generator=torch.Generator().manual_seed(1)) * 0.1
    target = torch.tensor([0, 1, 2, 0])
    return Batch(wave, torch.tensor([3200, 3200, 1600, 3200]), target if task is SINGLE else torch.eye(3)[target])


def test_without_effects_the_loss_is_that_of_the_pipe():
    made = objective().eval()
    rows = batch()
    plain = made.loss(made.pipe(rows.wave, rows.length), rows.target)
    assert torch.equal(made(Rows(rows, rng(0))), plain)


@pytest.mark.parametrize("loss", [Spec("cross_entropy", {}), Spec("supervised_contrastive", {})])
def test_mixed_precision_is_for_network_and_head_alone(loss: Spec):
    """Features and losses stay in single precision: the loss moves by the three digits of the network's products."""
    made = objective(loss=loss).eval()
    heard: list[torch.dtype] = []
    made.pipe.frontend.register_forward_hook(lambda module, given, made: heard.append(made[0].dtype))
    made.pipe.head.register_forward_hook(lambda module, given, made: heard.append(made.dtype))
    made.loss.register_forward_hook(lambda module, given, made: heard.extend([given[0].dtype, made.dtype]))
    plain = made(Rows(batch(), rng(0)))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = made(Rows(batch(), rng(0)))
    assert heard == [torch.float32] * 5 + [torch.bfloat16, torch.float32, torch.float32]
    assert plain != mixed
    torch.testing.assert_close(mixed, plain, rtol=2e-2, atol=0)


def test_chance_decides_what_effects_do():
    made = objective(Spec("gain"), Spec("mixup", {"p": 1.0}), Spec("mask_bins")).eval()
    first, again, other = (made(Rows(batch(), rng(seed))).item() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_effects_leave_the_batch_untouched():
    rows = batch()
    before = rows.wave.clone()
    objective(Spec("gain"), Spec("speed"), Spec("mixup", {"p": 1.0}), Spec("mask_time"))(Rows(rows, rng(3)))
    assert torch.equal(rows.wave, before)
    assert rows.target.tolist() == [0, 1, 2, 0]


def test_what_the_feed_does_is_not_done_again():
    made = objective(Spec("speed", {"p": 1.0}), Spec("shift", {"p": 1.0, "max_shift_ms": 50.0}))
    heard = made.effects.waves(batch(), rng=rng(0), progress=0.0)
    assert int((heard.length - batch().length)[2]) in range(0, 401)  # delayed at most, at the speed it had
    assert [type(effect).__name__ for effect in made.effects.before] == ["Shift"]


def test_the_task_chooses_the_loss_unless_the_recipe_does():
    assert isinstance(objective().loss, CrossEntropy)
    assert isinstance(objective(task=MULTI).loss, BinaryCrossEntropy)
    assert type(objective(loss=Spec("focal")).loss).__name__ == "Focal"
    assert torch.isfinite(objective(task=MULTI)(Rows(batch(MULTI), rng(0))))


def test_a_task_without_a_loss_is_refused():
    with pytest.raises(RequestError, match="no loss is known for a frames task"):
        objective(task=Task(("a", "b", "c"), "frames"))


def test_what_an_augmentation_lacks_is_told_before_a_clip_is_read(tones: Path, tmp_path: Path) -> None:
    for effects, sentence in (
        ([{"name": "add_noise", "folder": str(tmp_path / "none")}], "is not a folder of recordings"),
        ([{"name": "mixup"}, {"name": "denoise"}], "denoise changes each clip as it is read, and stands after mixup"),
    ):
        ticks: list[str] = []
        with pytest.raises(RequestError, match=sentence):
            experiment.prepare(str(tones), parse({**TINY, "augment": effects}), bar=lambda title, total: lambda: ticks.append(""))  # noqa: B023
        assert not ticks
