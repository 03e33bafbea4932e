from __future__ import annotations

import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle.datasets._corpus import open_corpus
from auricle.datasets._division import divide
from auricle.datasets.sketches import Sketches, maker, sketch
from auricle.settings import Split


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Sketches().download(tmp_path_factory.mktemp("made") / "sketches")


def test_a_name_is_enough(nothing_at_home: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sketches, "download", lambda self, root: made)
    corpus = open_corpus("sketches")
    assert corpus.task.labels == Sketches.labels
    assert corpus.license == "CC0 1.0"
    assert set(Counter((i.group, *i.target) for i in corpus.items).values()) == {6}
    assert len(corpus.items) == 600
    assert "synthe" in Sketches.title.lower()


def test_made_once_even_when_two_make_it(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auricle.datasets.sketches._MAKERS", 1)
    monkeypatch.setattr("auricle.datasets.sketches._CLIPS", 1)
    root = tmp_path / "sketches"

    def other(done: int, total: int) -> None:
        if done == total:
            shutil.copytree(made, root)

    assert Sketches().download(root, progress=other) == root
    assert len(list(Sketches().items(root))) == 600
    assert [p.name for p in tmp_path.iterdir()] == ["sketches"]


def test_clips_are_what_they_say(made: Path) -> None:
    for item in list(Sketches().items(made))[::37]:
        wave, rate = soundfile.read(item.path)
        assert rate == 16_000
        assert 1.0 <= wave.size / rate <= 2.0
        assert 0.1 < np.abs(wave).max() <= 1.0


def test_the_same_each_time() -> None:
    one = sketch("siren", maker(3), rng=np.random.default_rng(5))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, sketch("siren", maker(3), rng=np.random.default_rng(5)))


def features(path: Path) -> np.ndarray:
    wave, _ = soundfile.read(path)
    frames = np.lib.stride_tricks.sliding_window_view(wave, 512)[::256] * np.hanning(512)
    power = np.abs(np.fft.rfft(frames)) ** 2
    hertz, edges = np.fft.rfftfreq(512, 1 / 16_000), np.geomspace(60, 7800, 33)
    bands = np.array([(hertz >= a) & (hertz < max(b, a + 32)) for a, b in pairwise(edges)], float)
    level = np.log(power @ bands.T + 1e-6 * power.max())
    level -= level.mean()
    return np.concatenate([level.mean(0), level.std(0), np.diff(level, axis=0).std(0)])


def test_an_unheard_maker_is_a_real_test(made: Path) -> None:
    # Ridge regression on band statistics: far above chance on unheard makers, short of perfect, and better on makers that were heard.
    items = list(Sketches().items(made))
    x = np.array([features(i.path) for i in items])
    x = np.column_stack([(x - x.mean(0)) / x.std(0), np.ones(len(x))])
    truth = np.array([Sketches.labels.index(i.target[0]) for i in items])
    groups = np.array([i.group for i in items])

    def accuracy(parts: np.ndarray) -> float:
        right = 0
        for part in sorted(set(parts)):
            train, test = parts != part, parts == part
            weights = np.linalg.solve(x[train].T @ x[train] + 30 * np.eye(x.shape[1]), x[train].T @ np.eye(10)[truth[train]])
            right += int(np.sum((x[test] @ weights).argmax(1) == truth[test]))
        return right / len(items)

    unheard, heard = accuracy(groups), accuracy(np.random.default_rng(0).permutation(len(items)) % 10)
    assert 0.6 < unheard < 0.95
    assert unheard + 0.02 < heard < 0.99


def test_makers_are_divided_whole(made: Path) -> None:
    division = divide(Sketches().items(made), Split(), seed=0)
    assert [len({i.group for i in part}) for part in (division.train, division.dev, division.test)] == [7, 1, 2]
