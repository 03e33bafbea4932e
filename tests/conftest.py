"""Sound for the tests: real recordings where they are at hand, seeded synthesis everywhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

collect_ignore_glob = ["reference/*"]  # scripts that made the stored outputs, with packages the tests don't need


def _shared() -> Path | None:
    named = os.environ.get("AURICLE_DATA")
    for folder in (Path(named) if named else None, Path(__file__).parents[2] / "shared"):
        if folder is not None and (folder / "data").is_dir():
            return folder
    return None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings (holding data/, odd_audio/, fixtures/), or skip."""
    folder = _shared()
    if folder is None:
        pytest.skip("no real recordings: neither $AURICLE_DATA nor ../shared holds data/")
    return folder


@pytest.fixture(scope="session", autouse=True)
def nothing_fetched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reaches for the network, or depends on what this person's cache holds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AURICLE_OFFLINE", "1")
        patch.setenv("AURICLE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three classes of made sounds, eight clips of half a second each."""
    from tests.tones import write_tones

    return write_tones(tmp_path_factory.mktemp("corpus") / "tones")


@pytest.fixture(scope="session")
def prepare(tones: Path) -> Callable[..., Any]:
    """`prepare(epochs=2, …)` gives the tones ready to be trained on."""
    from tests.tones import prepared, recipe_of

    return lambda **train: prepared(tones, recipe_of(**train))


@dataclass(frozen=True, slots=True)
class Exported:
    """A small model of random weights, trained form and exported form."""

    bundle: Any
    run: Path
    onnx: Path


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A model that streams, one label a clip, clips of 1 s at 8 kHz."""
    return _export(
        tmp_path_factory.mktemp("streams"), kind="single", model={"name": "cnn", "width": 4, "blocks": [1, 1], "time_strides": [2, 2]}
    )


@pytest.fixture(scope="session")
def unstreamable(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A model that doesn't stream, any number of labels a clip, with thresholds."""
    return _export(tmp_path_factory.mktemp("windows"), kind="multi", model={"name": "crnn"})


def _export(folder: Path, *, kind: Any, model: dict[str, Any]) -> Exported:
    torch = pytest.importorskip("torch")
    from auricle import bundle as bundles
    from auricle import recipe as recipes
    from auricle.exporters.onnx import Onnx
    from auricle.types import Task

    torch.manual_seed(3)
    recipe = recipes.parse(
        {"sample_rate": 8000, "frontend": {"name": "log_mel", "bins": 24}, "model": model, "feed": {"seconds": 1.0, "min_seconds": 0.1}}
    )
    task = Task(("bark", "bell", "rain", "voice"), kind)
    pipe = bundles.build(recipe, task)
    with torch.no_grad():
        pipe.train()
        for _ in range(8):  # running statistics as after training
            pipe(torch.randn(4, 8000) * torch.tensor([0.3, 0.1, 0.03, 0.003])[:, None], torch.full((4,), 8000))
        for name, weight in pipe.head.named_parameters():
            weight.mul_(20.0 if name.endswith("weight") else 1.0)  # answers that differ from one another
    thresholds = (0.5, 0.4, 0.6, 0.5) if kind == "multi" else ()
    card = {"license": "CC0", "scores": {"accuracy": {"value": 0.25}}, "protocol": {"dataset": "noise"}}
    bundle = bundles.Bundle(pipe.eval(), recipe, task, 1.3, thresholds, card)
    run = folder / "run"
    bundles.save(bundle, run / "bundle")
    Onnx().write(bundle, run / "model.onnx")
    return Exported(bundle, run, run / "model.onnx")
