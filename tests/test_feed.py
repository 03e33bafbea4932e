"""Items to batches: crops, padding, order, balance, memory, files that can't be read."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from tests.tones import TINY

from auricle import recipe as recipes
from auricle.errors import AudioError
from auricle.feed import Feed, rng
from auricle.types import Batch, Item, Task

_TASK = Task(("a", "b", "c"))


def _feed(*, seed: int = 0, task: Task = _TASK, feed: dict[str, Any] | None = None, **train: Any) -> Feed:
    tree = {**TINY, "augment": [], "seed": seed, "feed": {"seconds": 0.1, **(feed or {})}, "train": {**TINY["train"], **train}}
    return Feed(task, recipes.parse(tree))


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> tuple[Item, ...]:
    """Ramps that climb by one step of 16 bits a sample, so that every sample tells where it comes from: 0.02 to 0.41 s; a row is 0.1 s."""
    folder = tmp_path_factory.mktemp("ramps")
    made = []
    for i in range(14):
        count = 160 + 240 * i
        soundfile.write(folder / f"{i}.wav", (np.arange(count) + 1 + 100 * i).astype(np.int16), 8000)
        made.append(Item(folder / f"{i}.wav", (_TASK.labels[min(i % 7, 2)],)))
    return tuple(made)


def _counts(row: torch.Tensor) -> np.ndarray[Any, Any]:
    return np.rint(row.numpy() * 32768).astype(int)


def _equal(one: Batch, two: Batch) -> bool:
    return all(torch.equal(getattr(one, f.name), getattr(two, f.name)) for f in dataclasses.fields(Batch))


def test_rows_are_crops_or_padded_and_targets_belong_to_them(items: tuple[Item, ...]) -> None:
    feed = _feed(batch=7)
    starts = []
    for epoch in range(20):
        for batch in feed.batches(items, epoch):
            assert batch.wave.shape == (7, 800)
            assert batch.wave.dtype == torch.float32
            for row, length, target in zip(batch.wave, batch.length.tolist(), batch.target.tolist(), strict=True):
                got = _counts(row)
                assert (np.diff(got[:length]) == 1).all()  # one unbroken stretch
                assert (got[length:] == 0).all()
                which = [i for i in range(14) if length == min(800, 160 + 240 * i) and got[0] >= 1 + 100 * i]
                if length < 800:
                    assert got[0] == 1 + 100 * which[0]
                    assert target == min(which[0] % 7, 2)
                else:
                    starts.append(int(got[0]))
    assert len(set(starts)) > 100  # crops begin anywhere


def test_crops_reach_both_ends(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.arange(803).astype(np.int16), 8000)
    item = Item(tmp_path / "x.wav", ("a",))
    feed = _feed(batch=50)
    firsts = Counter(int(_counts(row)[0]) for e in range(4) for b in feed.batches([item], e) for row in b.wave)
    assert set(firsts) == {0, 1, 2, 3}
    assert min(firsts.values()) > 25  # 50 each, evenly


def test_short_clips_are_tiled_where_asked(items: tuple[Item, ...]) -> None:
    (batch,) = _feed(batch=1, feed={"short": "tile"}).batches(items[:1], 0)
    assert batch.length.tolist() == [800]
    assert (_counts(batch.wave[0]) == np.tile(np.arange(160) + 1, 5)).all()


def test_order_depends_on_seed_and_epoch_only(items: tuple[Item, ...]) -> None:
    feed = _feed()
    orders = {(seed, epoch): tuple(_feed(seed=seed).order(items, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(set(orders.values())) == 9
    assert all(sorted(order) == list(range(14)) for order in orders.values())
    torch.rand(3)
    assert tuple(feed.order(items, 2)) == orders[0, 2]


def test_balanced_sampler_draws_classes_equally(items: tuple[Item, ...]) -> None:
    # 2, 2 and 10 clips of the three classes.
    feed = _feed(sampler="balanced")
    drawn = Counter(items[i].target[0] for epoch in range(300) for i in feed.order(items, epoch))
    total = sum(drawn.values())
    assert total == 300 * 14
    # Three standard deviations of a share of a third over 4200 draws are 0.022.
    assert all(abs(drawn[label] / total - 1 / 3) < 0.022 for label in _TASK.labels)


@pytest.mark.parametrize("first", [1, 3, 6])
def test_first_equals_skipping(items: tuple[Item, ...], first: int) -> None:
    feed = _feed(batch=2)
    whole = list(feed.batches(items, 3))
    assert len(whole) == feed.steps(items) == 7
    rest = list(feed.batches(items, 3, first=first))
    assert len(rest) == 7 - first
    assert all(_equal(a, b) for a, b in zip(rest, whole[first:], strict=True))


def test_workers_and_memory_change_nothing(items: tuple[Item, ...]) -> None:
    feeds = [_feed(batch=3, workers=w, feed={"cache_gb": g}) for w, g in ((1, 2.0), (4, 2.0), (3, 0.0), (0, 1e-6))]
    for feed in feeds:
        assert feed.survey(items).usable == items
    kept = [len(feed._kept) for feed in feeds]
    assert kept[0] == kept[1] == 14
    assert kept[2] == 0
    assert 0 < kept[3] < 14
    epochs = [list(feed.batches(items, 1)) for feed in feeds]
    assert all(_equal(a, b) for other in epochs[1:] for a, b in zip(epochs[0], other, strict=True))


def test_ranks_share_each_batch(items: tuple[Item, ...]) -> None:
    feed = _feed(batch=4)
    whole = list(feed.batches(items, 0))
    parts = [list(feed.batches(items, 0, rank=r, ranks=2)) for r in range(2)]
    for step, batch in enumerate(whole):
        assert torch.equal(torch.cat([part[step].wave for part in parts]), batch.wave)
        assert torch.equal(torch.cat([part[step].target for part in parts]), batch.target)


def test_fewer_clips_than_a_batch_repeat(items: tuple[Item, ...]) -> None:
    (batch,) = _feed(batch=8).batches(items[10:13], 0)
    assert batch.wave.shape[0] == 8
    assert len({tuple(row.tolist()) for row in batch.wave}) > 3  # the same clip is cropped elsewhere


def test_what_cannot_be_read_is_listed_with_its_reason(items: tuple[Item, ...], tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is no sound")
    bad = (Item(tmp_path / "text.wav", ("a",)), Item(tmp_path / "gone.wav", ("a",)))
    ticks: list[None] = []
    feed = _feed()
    found = feed.survey((bad[0], *items[:2], bad[1]), lambda: ticks.append(None))
    assert found.usable == items[:2]
    assert [s.path for s in found.skipped] == [bad[0].path, bad[1].path]
    assert all(s.path.name in s.reason and "\n" not in s.reason for s in found.skipped)
    assert len(ticks) == 4
    with pytest.raises(AudioError, match=r"gone\.wav"):
        feed.wave(bad[1])


def test_stretches_of_a_file_and_another_rate(tmp_path: Path) -> None:
    t = np.arange(32000) / 16000
    soundfile.write(tmp_path / "x.wav", 0.5 * np.sin(2 * np.pi * np.where(t < 1, 500, 1500) * t), 16000)
    feed = _feed()
    for start, hertz in ((0.25, 500), (1.25, 1500)):
        wave = feed.wave(Item(tmp_path / "x.wav", ("a",), start=start, stop=start + 0.5))
        assert len(wave) == 4000
        assert np.abs(np.fft.rfft(wave)).argmax() == hertz // 2  # bins of 2 Hz


def test_targets_of_several_labels() -> None:
    rows = _feed(task=Task(("a", "b", "c"), "multi")).targets([Item(Path("x"), ("c", "a")), Item(Path("y"), ())])
    assert rows.tolist() == [[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


def test_targets_of_annotators_are_their_shares() -> None:
    feed = _feed(task=Task(("a", "b", "c"), "distribution"))
    items = [Item(Path("x"), ("c", "a"), votes=(1.5, 0.5)), Item(Path("y"), ("b",), votes=(4.0,)), Item(Path("z"), ("a", "b"))]
    assert feed.targets(items).tolist() == [[0.25, 0.0, 0.75], [0.0, 1.0, 0.0], [0.5, 0.5, 0.0]]


def test_generators_depend_on_the_key_alone() -> None:
    draws = {key: float(torch.rand(1, generator=rng(*key))) for key in [(0, 1, "a"), (0, 1, "b"), (1, 0, "a"), (0, 11, "a"), (0, 1, 1)]}
    assert len(set(draws.values())) == 5
    assert all(float(torch.rand(1, generator=rng(*key))) == value for key, value in draws.items())


def test_what_is_made_on_the_processor_depends_on_the_clip_s_place_alone(items: tuple[Item, ...]) -> None:
    def feed(batch: int, *, p_end: float | None = None) -> Feed:
        effects = [{"name": "gain", "p": 0.5}, {"name": "denoise", "p": 1.0, "p_end": p_end}, {"name": "mixup"}]
        tree = {**TINY, "augment": effects, "feed": {"seconds": 0.1}, "train": {**TINY["train"], "batch": batch, "epochs": 2}}
        return Feed(_TASK, recipes.parse(tree))

    def rows(made: Iterable[Batch]) -> torch.Tensor:
        return torch.cat([batch.wave for batch in made])[:12]

    plain = rows(_feed(batch=4).batches(items, 0))
    one = rows(feed(4).batches(items, 0))
    assert int((one != plain).any(1).sum()) == 12
    assert torch.equal(one, rows(feed(6).batches(items, 0)))
    halves = [rows(feed(4).batches(items, 0, rank=rank, ranks=2)).view(3, 2, -1) for rank in (0, 1)]
    assert torch.equal(one, torch.cat(halves, 1).reshape(12, -1))
    assert torch.equal(one[8:], rows(feed(4).batches(items, 0, first=2)))
    assert not torch.equal(one, rows(feed(4).batches(items, 1)))
    for batch in feed(4).batches(items, 0):
        behind = torch.arange(800)[None] >= batch.length[:, None]
        assert not batch.wave[behind].any()
    # Halfway from p = 1 to p_end = 0.
    last = torch.cat([b.wave for b in feed(14, p_end=0.0).batches(items, 1)])
    assert int((last != torch.cat([b.wave for b in _feed(batch=14).batches(items, 1)])).any(1).sum()) < 14
