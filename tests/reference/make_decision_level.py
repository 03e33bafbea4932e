"""What PANNs' own code for decisions at each step answers, written beside this file.

Put pytorch/models.py and pytorch/pytorch_utils.py of github.com/qiuqiangkong/audioset_tagging_cnn on the path, then run it. Only what
follows the convolutions is run, on few features; the names and shapes are those of the whole networks.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch
from torch import nn


class _Absent(nn.Module):
    """Stands for transform and filters, which are not run."""

    def __init__(self, **_: object) -> None:
        super().__init__()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


for name in ("torchlibrosa", "torchlibrosa.stft", "torchlibrosa.augmentation"):
    sys.modules[name] = ModuleType(name)
vars(sys.modules["torchlibrosa.stft"]).update(Spectrogram=_Absent, LogmelFilterBank=_Absent)
vars(sys.modules["torchlibrosa.augmentation"]).update(SpecAugmentation=_Absent)
import models  # noqa: E402 - the authors' file, which wants the modules above

DIM, HIDDEN, CLASSES, STEPS, FRAMES = 12, 8, 5, 6, 201


def formula(name: str, shape: list[int]) -> torch.Tensor:
    """Weights that anyone can make again."""
    wave = torch.cos(torch.arange(torch.Size(shape).numel(), dtype=torch.float64) ** 1.5 + len(name)).float().reshape(shape)
    return wave if len(shape) > 1 else 0.3 * wave


class _Convolved(nn.Module):
    """Stands for the convolutions: whatever comes in, the same map of few features."""

    def forward(self, x: torch.Tensor, **_: object) -> torch.Tensor:
        return torch.cos(torch.arange(DIM * STEPS).float() ** 1.3).reshape(1, DIM, STEPS, 1)


found: dict[str, dict[str, object]] = {}
for pool, kind in {"max": "Max", "mean": "Avg", "attention": "Att"}.items():
    settings = SimpleNamespace(sample_rate=32_000, window_size=1024, hop_size=320, mel_bins=64, fmin=50, fmax=14_000)
    whole = getattr(models, f"Cnn14_DecisionLevel{kind}")(**vars(settings), classes_num=527)
    layout = {name: list(value.shape) for name, value in whole.state_dict().items()}
    for i in range(1, 7):
        setattr(whole, f"conv_block{i}", _Convolved())
    whole.fc1 = nn.Linear(DIM, HIDDEN)
    if pool == "attention":
        whole.att_block = models.AttBlock(HIDDEN, CLASSES, activation="sigmoid")
    else:
        whole.fc_audioset = nn.Linear(HIDDEN, CLASSES)
    parts = {name: value for name, value in whole.named_parameters() if name.startswith(("fc", "att_block"))}
    with torch.no_grad():
        for name, value in parts.items():
            value.copy_(formula(name, list(value.shape)))
        answer = whole.eval()(torch.zeros(1, 1, FRAMES, 64))
    found[pool] = {
        "layout": layout,
        "clip": [round(float(p), 6) for p in answer["clipwise_output"][0]],
        "frames": [[round(float(p), 6) for p in answer["framewise_output"][0, at]] for at in range(0, FRAMES, 20)],
    }
Path(__file__).with_name("decision_level.json").write_text(json.dumps(found), encoding="utf-8")
