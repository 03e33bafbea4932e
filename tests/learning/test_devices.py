"""Two processes train as one does: the same clips, the same draws, the same loss, and weights that differ by rounding alone."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.learning._trained import trained
from tests.tones import TINY, write_tones

from auricle import recipe as recipes
from auricle.errors import RequestError
from auricle.learning import devices
from auricle.settings import Train

_ROOT = Path(__file__).parents[2]
# Five rows: one process has two of them, the other three.
_PLAIN = {"batch": 5, "epochs": 2, "lr": 3e-3}
_NO_DEV = {"dev_fraction": 0.0}
_MIXED = [
    *TINY["augment"],
    {"name": "reverb", "p": 0.5},
    {"name": "cutmix", "on": "feature"},
    {"name": "filter_augment"},
    {"name": "random_erasing"},
]
_CASES: dict[str, tuple[dict[str, Any], int]] = {
    "all": ({"split": _NO_DEV, "train": _PLAIN, "augment": _MIXED, "loss": {"name": "cross_entropy", "class_weights": "inverse"}}, 0),
    "contrast": (
        {
            "split": _NO_DEV,
            "train": {**_PLAIN, "optimizer": "sgd", "lr": 0.05, "sam_rho": 0.05, "swa": 0.5, "ema": 0.0},
            "loss": {"name": "supervised_contrastive"},
        },
        0,
    ),
    "domain": (
        {"split": _NO_DEV, "train": {**_PLAIN, "batch": 4, "ema": 0.0}, "loss": {"name": "mmd"}, "transfer": {"target_domain": "other"}},
        0,
    ),
    "stopped": ({"train": {**_PLAIN, "optimizer": "sgd"}}, 3),
}


def _launch(words: list[str], folder: Path, ranks: int = 2) -> subprocess.CompletedProcess[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks), *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(_ROOT)}
    return subprocess.run(launcher, cwd=folder, capture_output=True, text=True, check=False, env=environment, timeout=240)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_tones(folder / "other", clips=2)
    return write_tones(folder / "tones")


@pytest.fixture(scope="module")
def runs(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases in one pair of processes, which take longer to start than to train."""
    folder = tmp_path_factory.mktemp("runs")
    for name in _CASES:
        (folder / name).mkdir()
    done = _launch([str(_ROOT / "tests/learning/_trained.py"), str(corpus), str(folder), json.dumps(_CASES)], corpus.parent)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("case", ["all", "contrast", "domain"])
def test_two_processes_take_the_steps_of_one(case: str, corpus: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In double precision: sums in another order differ by 1e-16 of their size, and a dozen steps after by some times that.

    In single precision it is 1e-7, which the slope of a rectifier, 0 or 1, may make 1e-3 of a gradient: nothing could be told apart.
    """
    monkeypatch.chdir(corpus.parent)
    losses, weights = trained(corpus, runs / case / "one", _CASES[case][0], double=True)
    two_losses, two_weights = torch.load(runs / case / "two.pt")
    assert len(losses) >= 6
    assert two_losses == pytest.approx(losses, rel=1e-9)
    for name, value in weights.items():
        torch.testing.assert_close(two_weights[name], value, rtol=1e-8, atol=1e-9, msg=lambda said, name=name: f"{name}: {said}")


def test_one_that_is_asked_to_stop_stops_both_and_one_alone_goes_on(corpus: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(corpus.parent)
    begun, nothing = torch.load(runs / "stopped" / "two.pt")
    assert len(begun) == 3
    assert not nothing
    tree = _CASES["stopped"][0]
    losses, _ = trained(corpus, runs / "stopped" / "one", tree)
    later, _ = trained(corpus, runs / "stopped" / "checkpoints", tree)
    torch.testing.assert_close(torch.tensor([*begun, *later]), torch.tensor(losses), rtol=1e-5, atol=1e-6)


def test_what_processes_can_t_share_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match=r"train.batch is 1, which 2 processes can't share; wanted at least a row for each"):
        devices.processes(Train(batch=1, devices=2))
    with pytest.raises(RequestError, match="a time budget needs one process, and there would be 2"):
        devices.alone(Train(devices=2), "a time budget")
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert devices.processes(Train(batch=7)) == 4
    with pytest.raises(RequestError, match=r"train.devices is 2, and the launcher started 4 processes"):
        devices.processes(Train(devices=2))
    with pytest.raises(RequestError, match="a search needs one process, and there would be 4"):
        devices.alone(Train(), "a search")


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({}, "32-true"),
        ({"avx2": True, "avx512_f": True}, "32-true"),
        ({"avx512_bf16": True}, "bf16-mixed"),
        ({"amx_bf16": True}, "bf16-mixed"),
    ],
)
def test_bfloat16_is_taken_where_the_processor_has_instructions_for_it(
    able: dict[str, bool], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)

    def taken(**sections: Any) -> str:
        return devices.precision(recipes.parse({"train": {"device": "cpu"}, **sections}))

    assert taken() == expected
    assert taken(train={"device": "cpu", "precision": "32-true"}) == "32-true"
    assert taken(train={"device": "cpu", "precision": "bf16-mixed"}) == "bf16-mixed"
    assert taken(train={"device": "mps"}) == "32-true"
    assert taken(transfer={"probe": "linear"}) == "32-true"
    assert taken(denoiser={"name": "crn"}) == "32-true"


@pytest.mark.slow
def test_the_same_command_under_the_launcher_on_real_clips(shared: Path, tmp_path: Path) -> None:
    """Spoken digits, with augmentation, at a rate so low that rounding does not grow from step to step, as it does at ten times that."""
    (tmp_path / "fsdd" / "recordings").mkdir(parents=True)
    for path in (shared / "data" / "fsdd" / "recordings").glob("*_[0-4].*"):
        (tmp_path / "fsdd" / "recordings" / path.name).symlink_to(path)
    settings = [
        word
        for each in ("epochs=1", "device=cpu", "precision=32-true", "optimizer=sgd", "lr=0.001", "ema=0.0")
        for word in ("--set", f"train.{each}")
    ]
    words = ["-m", "auricle", "train", "fsdd", "--recipe", "fsdd", *settings, "--out"]
    for ranks in (1, 2):
        done = _launch([*words, str(ranks)], tmp_path, ranks)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("report ") == 1
    one, two = (json.loads((tmp_path / ranks / "metrics.json").read_text(encoding="utf-8"))["scores"] for ranks in "12")
    for name, score in one.items():
        assert two[name]["value"] == pytest.approx(score["value"], abs=0.02), name
    one, two = (list(csv.DictReader((tmp_path / ranks / "log.csv").read_text(encoding="utf-8").splitlines())) for ranks in "12")
    for name in ("train_loss", "dev_loss"):
        assert [float(row[name]) for row in two] == pytest.approx([float(row[name]) for row in one], rel=1e-4), name
