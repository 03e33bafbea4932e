"""What every model must do, whatever it is: learn 32 clips by heart, be exported, train on real sound through the command.

Each in the small form that its battery takes; a new file in `models/` is covered as it comes. The quick ones run always, all with `slow`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import pytest
import torch
from torch import nn

from auricle import bundle as bundles
from auricle import catalog, cli
from auricle import recipe as recipes
from auricle.audio.read import read
from auricle.errors import MissingExtraError
from auricle.reports.network import reach
from auricle.types import Task

QUICK = ["cnn", "crnn", "bc_resnet"]
EACH = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in catalog.names("models")]
ALL = [pytest.param(name, marks=pytest.mark.slow) for name in catalog.names("models")]
RATE, SAMPLES = 8000, 4800
WANTED = re.compile(r'front end `(raw|filter_bank)`(?: with `flavour = "(\w+)"`)?')
LABELS = ("zero", "one", "two", "three")


def settings(name: str, rate: int = RATE) -> dict[str, Any]:
    """The stages of a recipe: the model's small form without chance, and a front end that it takes."""
    try:
        kind = catalog.load("models", name)
        chance = {s.name: 0.0 for s in catalog.settings("models", name) if "drop" in s.name and isinstance(s.default, float)}
        model = {"name": name, **chance, **getattr(kind, "small", {})}
        frontend: dict[str, Any] = {"name": "log_mel", "bins": 20}
        if wanted := WANTED.search(" ".join(catalog.document("models", name).split())):
            published = wanted[2] and rate == 16_000
            frontend = {"name": wanted[1], **({"flavour": wanted[2]} if published else {"bins": 20} if wanted[1] == "filter_bank" else {})}
        if needs := getattr(kind, "needs", ()):
            frontend = {each: {"height": 32, "width": 48} if each == "picture" else {} for each in needs}
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    return {"sample_rate": rate, "frontend": frontend, "model": model, "feed": {"seconds": SAMPLES / rate, "min_seconds": 0.3}}


def pipe_of(name: str, *, rate: int = RATE, **wider: float) -> tuple[bundles.Pipe, recipes.Recipe, Task]:
    torch.manual_seed(0)
    stages = settings(name, rate)
    stages["model"] |= {key: factor * stages["model"][key] for key, factor in wider.items() if isinstance(stages["model"].get(key), float)}
    recipe, task = recipes.parse(stages), Task(LABELS, "single")
    try:
        pipe = bundles.build(recipe, task)
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    feed = dataclasses.replace(recipe.feed, seconds=max(SAMPLES, pipe.min_samples) / rate)
    return pipe, dataclasses.replace(recipe, feed=feed), task


@pytest.fixture(scope="module")
def clips(request) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """32 spoken digits of four kinds, wave [32, T], length [32] and target [32]; made sounds where the real ones are absent."""
    wave, length = torch.zeros(32, SAMPLES), torch.zeros(32, dtype=torch.int64)
    target = torch.arange(32) // 8
    try:
        folder = request.getfixturevalue("shared") / "data" / "fsdd" / "recordings"
    except pytest.skip.Exception:
        folder = None
    for row in range(32):
        if folder is not None:
            speaker = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")[row % 6]
            sound = torch.from_numpy(read(folder / f"{int(target[row])}_{speaker}_{5 + row % 8}.flac").samples[0].copy())[:SAMPLES]
        else:
            at = torch.arange(3000 + 50 * row) / RATE
            sound = 0.3 * torch.sin(2 * torch.pi * (300 + 400 * target[row]) * at * (1 + 0.02 * (row % 8)) + torch.sin(9 * at))
        wave[row, : len(sound)] = sound
        length[row] = len(sound)
    return wave, length.clamp(min=2400), target


def settle(pipe: nn.Module, wave: torch.Tensor, length: torch.Tensor) -> None:
    """Running statistics become those of exactly these clips."""
    norms = [m for m in pipe.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        pipe(wave, length)
    pipe.eval()


@pytest.mark.parametrize("name", EACH)
def test_it_learns_32_clips_by_heart(name, clips):
    pipe, _, _ = pipe_of(name, width=2.0)  # a hundred weights remember no 32 clips
    if not any(p.requires_grad for p in pipe.model.parameters()):
        pytest.skip("frozen: only the head learns")
    wave, length, target = clips
    wave = nn.functional.pad(wave, (0, max(0, pipe.min_samples - SAMPLES)))
    length = length.clamp(min=pipe.min_samples)
    pipe.eval()  # no chance anywhere
    for module in pipe.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train()
    learnt = [p for p in pipe.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(learnt, lr=5e-3, weight_decay=0.0)
    with torch.no_grad():
        feature, frames = pipe.frontend(wave, length)
    norms = [m for m in pipe.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.1, total_iters=400)
    for step in range(400):
        optimiser.zero_grad()
        nn.functional.cross_entropy(pipe.head(*pipe.model(feature, frames)), target).backward()
        nn.utils.clip_grad_norm_(learnt, 1.0)
        optimiser.step()
        slower.step()
        if step % 20 == 19:
            settle(pipe, wave, length)
            with torch.no_grad():
                right = int((pipe(wave, length).argmax(1) == target).sum())
            if right == 32:
                break
            for norm in norms:
                norm.train()
    assert right == 32, f"{right} of 32 after {step + 1} steps"


@pytest.mark.parametrize("name", EACH)
def test_its_file_agrees_on_odd_lengths_and_batches(name, tmp_path):
    from auricle.exporters.onnx import Onnx

    pipe, recipe, task = pipe_of(name, rate=16_000)  # what the exporter tries is then no longer than the small form of any hears
    with torch.no_grad():
        samples = max(SAMPLES, pipe.min_samples)
        pipe.train()(torch.randn(4, samples) * 0.1, torch.full((4,), samples))
        for weight in pipe.head.parameters():
            weight.mul_(10)  # answers that differ from one another
    parity = Onnx().write(bundles.Bundle(pipe.eval(), recipe, task), tmp_path / "model.onnx")
    assert parity.largest <= 1e-4
    assert parity.compared > 30


@pytest.mark.parametrize("name", EACH)
def test_it_looks_as_far_ahead_as_it_says(name):
    """The declared look-ahead is enough (the battery), and not more than a stride too much: what is not a number shows where it arrives."""
    pipe, _, _ = pipe_of(name)
    model = pipe.eval().model
    _, ahead = reach(model, pipe.frontend.bins)
    if model.lookahead < 0:
        assert ahead < 0 or not model.streamable
    else:
        assert 0 <= ahead <= model.lookahead < ahead + max(2, int(model.stride))


@pytest.mark.parametrize("name", ALL)
def test_it_trains_through_the_command(name, shared, tmp_path, capsys):
    stages = settings(name)
    for digit in range(4):
        folder = tmp_path / "digits" / LABELS[digit]
        folder.mkdir(parents=True)
        for path in sorted((shared / "data" / "fsdd" / "recordings").glob(f"{digit}_*_[0-9].flac"))[:24]:
            (folder / path.name).symlink_to(path)
    path = tmp_path / "one_epoch.toml"
    stages["feed"]["seconds"] = pipe_of(name)[1].feed.seconds
    stages |= {"train": {"epochs": 1, "batch": 16, "device": "cpu", "progress": False, "workers": 0}}
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in stages.items()), encoding="utf-8")
    code = cli.main(["train", str(tmp_path / "digits"), "--recipe", str(path), "--out", str(tmp_path / "run")])
    assert code == 0, capsys.readouterr().err
    assert (tmp_path / "run" / "model.onnx").is_file()
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert scores


def toml(value: Any) -> str:
    """A value as TOML writes it, tables in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value)
