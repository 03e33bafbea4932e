"""A panel of teachers, and students that learn from it: online, from answers asked once, and across domains."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from auricle.errors import DataError, RequestError
from auricle.learning import experiment
from auricle.learning.experiment import Prepared
from auricle.learning.teacher import Panel
from auricle.settings import Transfer
from auricle.types import Spec

Prepare = Callable[..., Prepared]


class Loudness:
    """Says how loud the valid part is, in its own order of labels, and remembers what it heard."""

    def __init__(self, name: str, labels: tuple[str, ...], sample_rate: int, max_samples: int = 0) -> None:
        self.max_samples = max_samples
        self.name, self.labels, self.sample_rate = name, labels, sample_rate
        self.heard: list[tuple[Tensor, Tensor]] = []

    def logits(self, wave: Tensor, length: Tensor) -> Tensor:
        self.heard.append((wave.clone(), length.clone()))
        level = torch.stack([row[:n].square().mean().sqrt() for row, n in zip(wave, length.tolist(), strict=True)])
        return torch.stack([level * (i + 1) for i in range(len(self.labels))], 1)


def soften(logits: Tensor) -> Tensor:
    return logits.softmax(-1)


def test_columns_go_by_label_and_teachers_are_averaged() -> None:
    one, two = Loudness("one", ("a", "b"), 8000), Loudness("two", ("b", "x", "a"), 8000)
    wave, length = torch.full((2, 100), 0.5), torch.tensor([100, 40])
    wave[1, 40:] = 9.0  # padding that must not be heard
    told = Panel([one, two], ("a", "b"), 8000).rows(wave, length, soften)
    wanted = (torch.tensor([0.5, 1.0]).softmax(0) + torch.tensor([1.5, 0.5]).softmax(0)) / 2
    assert torch.allclose(told, wanted.expand(2, 2))


def test_a_teacher_hears_at_its_own_rate() -> None:
    fast = Loudness("fast", ("a", "b"), 16_000)
    tone = torch.sin(torch.arange(800) * 2 * torch.pi * 500 / 8000)[None]
    Panel([fast], ("a", "b"), 8000).rows(tone, torch.tensor([400]), soften)
    wave, length = fast.heard[0]
    assert wave.shape == (1, 1600)
    assert length.tolist() == [800]
    spectrum = torch.fft.rfft(wave[0, 200:1400] * torch.hann_window(1200)).abs()
    assert int(spectrum.argmax()) * 16_000 / 1200 == pytest.approx(500, abs=8)


def test_a_clip_is_the_mean_of_its_passages() -> None:
    teacher = Loudness("one", ("a", "b"), 8000)
    wave = np.concatenate([np.full(100, 0.1), np.full(100, 0.9), np.full(50, 0.5)]).astype(np.float32)
    told = Panel([teacher], ("a", "b"), 8000).clip(wave, 100, lambda logits: logits)
    assert sum(len(w[0]) for w, _ in teacher.heard) == 250
    means = [float(w[0].square().mean().sqrt()) * len(w[0]) / 250 for w, _ in teacher.heard]
    assert told.tolist() == pytest.approx([sum(means), 2 * sum(means)], rel=1e-5)


def test_a_teacher_that_hears_less_is_told_a_row_in_passages() -> None:
    teacher = Loudness("one", ("a", "b"), 8000, max_samples=60)
    wave = torch.cat([torch.full((2, 60), 0.1), torch.full((2, 40), 0.9)], 1)
    told = Panel([teacher], ("a", "b"), 8000).rows(wave, torch.tensor([100, 45]), lambda logits: logits)
    assert [w.shape[-1] for w, _ in teacher.heard] == [60, 40]
    assert told[:, 0].tolist() == pytest.approx([0.6 * 0.1 + 0.4 * 0.9, 0.1], rel=1e-5)


def test_a_teacher_that_lacks_a_label_is_refused() -> None:
    with pytest.raises(RequestError, match="the teacher one does not know c; wanted one that tells all 3 classes apart"):
        Panel([Loudness("one", ("a", "b"), 8000)], ("a", "b", "c"), 8000)


def _with(ready: Prepared, *, loss: Spec | None = None, augment: tuple[Spec, ...] | None = None, **transfer: object) -> Prepared:
    recipe = dataclasses.replace(
        ready.recipe,
        loss=loss,
        transfer=Transfer(**transfer),  # type: ignore[arg-type]
        augment=ready.recipe.augment if augment is None else augment,
    )
    feed = copy.copy(ready.feed)
    feed.settle(recipe)
    return dataclasses.replace(ready, recipe=recipe, feed=feed)


@pytest.mark.parametrize("teaching", ["online", "cached"])
def test_a_student_learns_what_the_teacher_says(tmp_path: Path, prepare: Prepare, teaching: str) -> None:
    """The teacher calls everything by the next label: the student, who hears only it, does so too."""
    ready = prepare(epochs=12, lr=0.01, ema=0.0)
    labels = ready.corpus.task.labels
    taught = experiment.training(ready)
    taught.run(tmp_path / "teacher", lambda at, loss: None)
    pipe = taught.objective.pipe

    class Contrary:
        name, sample_rate, max_samples = "contrary", ready.recipe.sample_rate, 0
        labels = (*ready.corpus.task.labels[1:], ready.corpus.task.labels[0])

        def logits(self, wave: Tensor, length: Tensor) -> Tensor:
            out: Tensor = pipe(wave, length)
            return out

    ready = _with(ready, loss=Spec("distillation", {"weight": 1.0}), augment=(Spec("mixup"),), teachers=("contrary",), teaching=teaching)
    run = experiment.training(ready, panel=Panel([Contrary()], labels, ready.recipe.sample_rate))
    student = run.run(tmp_path / "student", lambda at, loss: None)
    wave = torch.from_numpy(np.stack([ready.feed.wave(item)[: ready.feed.row] for item in ready.division.train]))
    length = torch.full((len(wave),), wave.shape[1])
    with torch.no_grad():
        said, shown = student(wave, length).argmax(-1), pipe(wave, length).argmax(-1)
    assert float(((shown + 1) % len(labels) == said).float().mean()) > 0.8  # a third by chance


def test_the_teacher_hears_the_augmented_row_online(prepare: Prepare) -> None:
    ready = prepare(epochs=1)
    quiet = Spec("gain", {"min_gain_db": -40.0, "max_gain_db": -40.0})
    ready = _with(ready, augment=(quiet,), teachers=("one",))
    teacher = Loudness("one", ready.corpus.task.labels, ready.recipe.sample_rate)
    run = experiment.training(ready, panel=Panel([teacher], teacher.labels, teacher.sample_rate))
    batch = next(iter(ready.feed.batches(ready.division.train, 0)))
    run._step(batch)
    assert torch.allclose(teacher.heard[0][0], batch.wave * 10 ** (-40 / 20), atol=1e-6)


def test_what_the_loss_needs_must_be_there(prepare: Prepare) -> None:
    with pytest.raises(RequestError, match=r"loss distillation needs recipe\.transfer\.teachers, which names nothing"):
        experiment.training(_with(prepare(), loss=Spec("distillation")))
    with pytest.raises(RequestError, match=r"target_domain is given, and loss cross_entropy makes no use of it"):
        experiment.training(_with(prepare(), loss=Spec("cross_entropy"), target_domain="elsewhere"))


def _elsewhere(folder: Path) -> Path:
    """Clips without labels, and a file that is no sound."""
    chance = np.random.default_rng(0)
    (folder / "deep").mkdir(parents=True)
    for i in range(5):
        soundfile.write(folder / "deep" / f"{i}.wav", 0.1 * chance.standard_normal(8000), 8000)
    (folder / "page.wav").write_text("<html>", encoding="utf-8")
    return folder


@pytest.mark.parametrize("loss", [None, Spec("coral"), Spec("adversarial")])
def test_clips_of_another_domain_take_part(tmp_path: Path, prepare: Prepare, loss: Spec | None) -> None:
    """Their embeddings count, their labels never do, and a resumed run ends with the same bits."""
    ready = prepare(epochs=2)
    folder = _elsewhere(tmp_path / "elsewhere")
    recipe = _with(ready, loss=loss, target_domain=str(folder)).recipe
    again = experiment.prepare(str(ready.corpus.root), recipe, bar=lambda title, total: lambda: None)
    assert len(again.other) == 5
    assert any(each.path.name == "page.wav" for each in again.skipped)
    one = experiment.training(again).run(tmp_path / "a", lambda at, loss: None)
    last = again.corpus.task.labels[-1]
    moved = dataclasses.replace(again, other=tuple(dataclasses.replace(item, target=(last,)) for item in again.other))
    two = experiment.training(moved).run(tmp_path / "b", lambda at, loss: None)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    alone = experiment.training(_with(ready)).run(tmp_path / "c", lambda at, loss: None)
    assert not all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), alone.state_dict().values(), strict=True))


def test_a_target_domain_without_sound_is_refused(tmp_path: Path, prepare: Prepare) -> None:
    ready = prepare()
    for folder, error in ((tmp_path / "nothing", RequestError), (tmp_path, DataError)):
        recipe = _with(ready, target_domain=str(folder)).recipe
        with pytest.raises(error, match=str(folder)):
            experiment.prepare(str(ready.corpus.root), recipe, bar=lambda title, total: lambda: None)
