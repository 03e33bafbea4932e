"""A search through the command's function: the best of its tries, taken up again, and what can't be searched."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from auricle import recipe as recipes
from auricle.errors import MissingExtraError, RequestError
from auricle.verbs.tune import Tuned, tune

pytest.importorskip("optuna")

SMALL = ("sample_rate=8000", "frontend.bins=16", "model.width=4", "model.dim=8", "feed.seconds=0.25", "train.epochs=1", "augment=[]")


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tones")
    chance = np.random.default_rng(0)
    for label, hertz in (("low", 300.0), ("high", 2500.0)):
        (folder / label).mkdir()
        for i in range(12):
            tone = np.sin(2 * np.pi * hertz * (1 + 0.05 * i) * np.arange(2000) / 8000) + 0.2 * chance.standard_normal(2000)
            soundfile.write(folder / label / f"{i}.wav", 0.1 * tone, 8000)
    return folder


def searched(tones: Path, out: Path, *, trials: int, try_: tuple[str, ...] = ("train.lr=1e-7..3e-2",)) -> Tuned:
    return tune(str(tones), try_=try_, recipe="default", set_=SMALL, trials=trials, out=out)


def test_the_best_try_is_kept_and_the_search_goes_on(tones: Path, tmp_path: Path) -> None:
    first = searched(tones, tmp_path, trials=2)
    again = searched(tones, tmp_path, trials=4)
    with (tmp_path / "trials.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert (first.trials, again.trials, len(rows)) == (2, 4, 4)
    losses = {row["train.lr"]: float(row["dev_loss"]) for row in rows}
    assert len(losses) == 4  # no value was tried twice
    best = min(losses, key=losses.__getitem__)
    assert again.settings == {"train.lr": json.loads(best)}
    assert again.dev_loss == pytest.approx(losses[best])
    assert recipes.read(tmp_path / "best.json").train.lr == json.loads(best)
    assert searched(tones, tmp_path, trials=4).settings == again.settings  # nothing is left to do
    assert f"auricle train {tones} --recipe {tmp_path / 'best.json'}" in again.text()


def test_settings_that_are_none_are_refused_before_anything_is_trained(tones: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"train\.lrr is not a setting"):
        searched(tones, tmp_path, trials=1, try_=("train.lrr=0.1..0.2",))
    with pytest.raises(RequestError, match="leaves none"):
        tune(
            str(tones), try_=("train.lr=0.1..0.2",), recipe="default", set_=(*SMALL, "split.dev_fraction=0.0"), trials=1, out=tmp_path / "b"
        )


def test_without_optuna(tones: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match="tune"):
        tune(str(tones), try_=("train.lr=0.1..0.2",))
