"""Networks learn 32 real clips by heart."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.types import Task

MODELS = {
    "parallel_crnn": {"name": "parallel_crnn", "dropout": 0.0},
    "two_branch lstm": {"name": "two_branch", "pools": [2, 4, 2, 2], "dropout": 0.0, "context_dropout": 0.0},
    "two_branch transformer": {
        "name": "two_branch",
        "context": "transformer",
        "pools": [2, 4, 2, 2],
        "dropout": 0.0,
        "context_dropout": 0.0,
    },
    "crnn both ways": {"name": "crnn", "dropout": 0.0},
    "crnn streaming": {"name": "crnn", "dropout": 0.0, "bidirectional": False},
    "ds_cnn": {"name": "ds_cnn"},
    "mdtc": {"name": "mdtc", "stacks": 2},
    "conv_next dcls": {
        "name": "conv_next",
        "flavour": "dcls",
        "depths": [1, 1, 2, 1],
        "dims": [24, 32, 48, 64],
        "stem_kernel": [2, 4],
        "stem_stride": [2, 4],
        "kernel": 7,
        "taps": 8,
        "layer_scale": 1.0,
        "drop_path": 0.0,
    },
    "sound_net5": {"name": "sound_net5", "until": "pool2", "width": 0.5},
    "sound_net8": {"name": "sound_net8", "until": "conv3", "width": 0.5},
}


@pytest.fixture(scope="module")
def clips(shared: Path) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Eight recordings of each of four spoken digits: [32, T] at 8 kHz, valid samples, digits."""
    folder = shared / "data" / "fsdd" / "recordings"
    paths = [path for digit in range(4) for path in sorted(folder.rglob(f"{digit}_*"))[::37][:8]]
    waves = [torch.from_numpy(soundfile.read(path, dtype="float32")[0]) for path in paths]
    length = torch.tensor([len(wave) for wave in waves])
    return torch.nn.utils.rnn.pad_sequence(waves, batch_first=True), length, torch.arange(4).repeat_interleave(8)


@pytest.mark.slow
@pytest.mark.parametrize("which", MODELS)
def test_learns_real_clips_by_heart(which, clips):
    wave, length, digit = clips
    frontend = {"name": "raw", "full_scale": 256.0} if which.startswith("sound_net") else {"name": "log_mel", "bins": 40}
    head = "max_mean_pool" if which.startswith("sound_net") else "mean_pool"
    torch.manual_seed(0)
    pipe = bundles.build(
        recipes.parse({"sample_rate": 8000, "frontend": frontend, "model": MODELS[which], "head": head}), Task(("0", "1", "2", "3"))
    )
    if hasattr(pipe.frontend, "fit"):
        pipe.frontend.fit([(wave, length)])
    optimizer = torch.optim.AdamW(pipe.parameters(), lr=3e-3, weight_decay=0.0)
    right = 0.0
    for step in range(1, 151):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(pipe.train()(wave, length), digit).backward()
        optimizer.step()
        if step % 10 == 0:
            with torch.no_grad():
                right = float((pipe.eval()(wave, length).argmax(1) == digit).float().mean())
            if right == 1:
                break
    assert right == 1
