"""Scoring whole clips: one by one it is the same, long ones are the mean of their pieces."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tests.tones import recipe_of

from auricle.bundle import build
from auricle.feed import Feed
from auricle.learning.score import Scored, score
from auricle.types import Item, Task

_TASK = Task(("high", "low"))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Item, ...]:
    """From far too short to seven rows long (a row is 0.4 s)."""
    folder = tmp_path_factory.mktemp("lengths")
    chance = np.random.default_rng(1)
    items = []
    for i, seconds in enumerate([0.01, 0.1, 0.3, 0.4, 0.41, 0.9, 1.2, 1.21, 2.7]):
        soundfile.write(folder / f"{i}.wav", 0.1 * chance.normal(size=round(8000 * seconds)), 8000)
        items.append(Item(folder / f"{i}.wav", (_TASK.labels[i % 2],)))
    return tuple(items)


@pytest.fixture(scope="module")
def scored(clips: tuple[Item, ...]) -> tuple[Scored, Feed, torch.nn.Module]:
    recipe = recipe_of()
    feed = Feed(_TASK, recipe)
    torch.manual_seed(0)
    pipe = build(recipe, _TASK)
    return score(pipe, feed, clips), feed, pipe


def test_equals_each_piece_alone(scored: tuple[Scored, Feed, torch.nn.Module], clips: tuple[Item, ...]) -> None:
    found, feed, pipe = scored
    row = 3200
    with torch.no_grad():
        for i, item in enumerate(clips):
            wave = torch.from_numpy(np.array(feed.wave(item)))
            cut = [wave] if len(wave) <= 3 * row else list(wave.split(row))
            wanted = torch.zeros(2)
            for piece in cut:
                padded = torch.nn.functional.pad(piece, (0, max(0, 2000 - len(piece))))  # min_seconds is 0.25
                wanted += pipe(padded[None], torch.tensor([len(padded)]))[0].div(1.7).softmax(-1) * len(piece) / len(wave)
            torch.testing.assert_close(found.probabilities(1.7)[i], wanted, atol=1e-5, rtol=1e-4)


def test_loss_and_accuracy_by_hand() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    found = Scored(logits, torch.tensor([0, 1, 1]), torch.tensor([1.0, 0.25, 0.75]), torch.tensor([0, 0]), "single")
    p = [1 / (1 + math.exp(-2)), 0.25 / (1 + math.exp(1)) + 0.75 / (1 + math.exp(3))]
    assert found.loss() == pytest.approx(-sum(map(math.log, p)) / 2, rel=1e-5)
    assert found.accuracy() == 0.5
    multi = replace(found, target=torch.tensor([[1.0, 1.0], [1.0, 0.0]]), kind="multi")
    q = [[1 / (1 + math.exp(-2)), 0.5], [0.5, 0.25 / (1 + math.exp(-1)) + 0.75 / (1 + math.exp(-3))]]
    wanted = -(math.log(q[0][0]) + math.log(q[0][1]) + math.log(q[1][0]) + math.log(1 - q[1][1])) / 4
    assert multi.loss() == pytest.approx(wanted, rel=1e-5)
    assert multi.accuracy() == 0.5


def test_divergence_and_accuracy_of_annotators() -> None:
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    votes = torch.tensor([[1.0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.2, 0.2, 0.2, 0.4], [0, 1.0, 0, 0], [0, 0, 0.25, 0.75]])
    found = Scored(logits, torch.arange(5), torch.ones(5), votes, "distribution")
    torch.testing.assert_close(found.probabilities(2.0), (logits / 2).softmax(-1))
    assert found.loss() == pytest.approx(float(torch.nn.functional.kl_div(logits.log_softmax(-1), votes, reduction="batchmean")), rel=1e-5)
    met = replace(found, logits=(votes + 1e-9).log())
    assert met.loss() == pytest.approx(0.0, abs=1e-5)
    assert met.accuracy() == 1.0
    second = torch.tensor([[0.0, 9, 0, 0]]).expand(5, 4)
    assert replace(found, logits=second).accuracy() == pytest.approx(2 / 5), "of a tie, either is right"


def test_ticks_once_a_clip_and_leaves_evaluation_mode(clips: tuple[Item, ...]) -> None:
    recipe = recipe_of()
    pipe = build(recipe, _TASK).train()
    ticks: list[None] = []
    tick: Callable[[], object] = lambda: ticks.append(None)  # noqa: E731
    found = score(pipe, Feed(_TASK, recipe), clips[:7], tick)
    assert len(ticks) == len(found.owner) == 7
    assert not pipe.training


def test_long_file_is_scored_in_rows(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", np.zeros(8000 * 30), 8000)
    recipe = recipe_of()
    found = score(build(recipe, _TASK), Feed(_TASK, recipe), [Item(tmp_path / "long.wav", ("low",))])
    assert len(found.owner) == 75
    assert float(found.weight.sum()) == pytest.approx(1.0)
