"""Every front end and every published flavour, exported for real, run by ONNX Runtime and compared with torch.

torch takes the fast Fourier transform, the exported graph matrix products: both forms agree where these tests pass.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.frontends.clips import clip
from torch import Tensor, nn

from auricle import bundle as bundles
from auricle import catalog
from auricle import recipe as recipes
from auricle.exporters.onnx import Onnx
from auricle.heads.mean_pool import MeanPool
from auricle.pipe import Pipe
from auricle.types import Spec, Task

FLAVOURS = tomllib.loads((files("auricle.frontends") / "_flavours.toml").read_text(encoding="utf-8"))
PLAIN = {
    "deltas": {},
    "filter_bank": {"flavour": "kaldi_40"},
    "log_mel": {},
    "mfcc": {"flavour": "htk"},
    "pcen": {},
    "picture": {"height": 32, "width": 48},
    "raw": {},
    "spectrogram": {"win_ms": 16.0},
}
SLOW = [
    *((kind, {"flavour": flavour}) for kind, found in FLAVOURS.items() for flavour in found if {"flavour": flavour} != PLAIN[kind]),
    *(("log_mel", {"padding": padding}) for padding in ("zeros", "edge", "kaldi")),
    ("log_mel", {"win_ms": 20.0, "hop_ms": 10.0, "normalise": "clip_mean"}),
    ("log_mel", {"win_ms": 10.0, "hop_ms": 10.0, "compression": "log10", "normalise": "clip_peak"}),
    ("log_mel", {"win_ms": 10.0, "hop_ms": 12.0}),
    ("log_mel", {"n_fft": 441, "win_ms": 25.0, "magnitude": True, "compression": "log1p"}),
    ("spectrogram", {"flavour": "", "full_scale": 32768.0, "remove_dc": True, "pre_emphasis": 0.97, "window": "povey", "energy": "raw"}),
    ("deltas", {"edges": "repeat"}),
    ("deltas", {"of": "log_mel", "settings": {"padding": "reflect"}}),
    ("picture", {"colours": "viridis"}),
    ("picture", {"padding": "reflect", "stretch": "fixed"}),
]
TASK = Task(("bark", "rain", "speech"), "single")


class Seen(nn.Module):
    """Each frame's bins, levelled, through one layer: what it answers tells every bin."""

    streamable, lookahead = True, 0

    def __init__(self, frontend: Any, wave: Tensor, stride: int) -> None:
        super().__init__()
        self.stride, self.dim = stride, 12
        feature = frontend(wave, torch.full((len(wave),), wave.shape[1]))[0].flatten(1, -2)
        self.register_buffer("mean", feature.mean((0, 2))[:, None])
        self.register_buffer("deviation", feature.std((0, 2))[:, None].clamp(min=0.01 * float(feature.std())))
        self.mix = nn.Conv1d(feature.shape[1], self.dim, 1)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        return self.step(feature, {})[0], torch.div(length, self.stride, rounding_mode="floor")

    def start(self, rows: int) -> dict[str, Tensor]:
        return {}

    def step(self, feature: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        one = feature.flatten(1, -2)[..., self.stride - 1 :: self.stride]
        return torch.tanh(self.mix((one - self.mean) / self.deviation)), state


def _bundle(kind: str, settings: dict[str, Any]) -> bundles.Bundle:
    named = {k: v for k, v in settings.items() if v != ""}
    flavour = FLAVOURS.get(kind, {}).get(named.get("flavour", ""), {})
    rate = flavour.get("sample_rate", 16_000)
    recipe = recipes.parse(
        {"sample_rate": rate, "frontend": {"name": kind, **named}, "model": {"name": "cnn"}, "feed": {"seconds": 0.7, "min_seconds": 0.2}}
    )
    assert isinstance(recipe.frontend, Spec)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        frontend = catalog.make("frontends", recipe.frontend, rate)
        wave = torch.from_numpy(np.stack([clip(name, rate) for name in TASK.labels]))
        frontend.eval()
        pipe = Pipe(frontend, Seen(frontend, wave, stride=80 if kind == "raw" else 1), MeanPool(12, len(TASK.labels)))
        pipe.head.linear.weight.mul_(10.0)
    return bundles.Bundle(pipe.eval(), recipe, TASK)


@torch.no_grad()
def _compare(kind: str, settings: dict[str, Any], folder: Path) -> None:
    bundle = _bundle(kind, settings)
    parity = Onnx().write(bundle, folder / "model.onnx")  # streams as well
    assert parity.largest <= 1e-4
    assert (parity.streams > 0) == bundle.pipe.frontend.streamable
    runner, rate = Onnx().open(folder / "model.onnx", threads=1), bundle.recipe.sample_rate
    least = runner.facts.min_samples
    waves = np.stack([0.5 * clip(name, rate) for name in TASK.labels])
    answers = []
    for samples in (least, least + 1, 2 * rate // 3 | 1, waves.shape[1] - 1):
        length = np.array([samples, max(least, samples - samples // 3), max(least, samples // 2)])
        heard = np.where(np.arange(samples) < length[:, None], waves[:, :samples], 0).astype(np.float32)
        wanted = torch.softmax(bundle.pipe(torch.from_numpy(heard), torch.from_numpy(length)), 1).numpy()
        answers.append(wanted)
        np.testing.assert_allclose(runner.run(heard, length), wanted, rtol=0, atol=1e-4)
        np.testing.assert_allclose(runner.run(heard[1:2, : length[1]])[0], wanted[1], rtol=0, atol=1e-4)
    assert np.concatenate(answers).std(0).max() > 0.02  # else agreeing would prove nothing


def test_no_front_end_is_left_out() -> None:
    assert set(PLAIN) == set(catalog.names("frontends"))


@pytest.mark.parametrize("kind", PLAIN)
def test_front_end_in_onnx_runtime_is_torch(kind: str, tmp_path: Path) -> None:
    _compare(kind, PLAIN[kind], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "settings"), SLOW, ids=lambda each: each if isinstance(each, str) else "-".join(map(str, each.values())))
def test_flavour_in_onnx_runtime_is_torch(kind: str, settings: dict[str, Any], tmp_path: Path) -> None:
    _compare(kind, settings, tmp_path)
