"""auricle: its loop over its feed, its log-mel inside the network's graph; no augmentation, no average, no judgement between epochs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import soundfile
import torch
from _wanted import Clock, wanted
from network import BINS

from auricle import recipe as recipes
from auricle.bundle import build
from auricle.feed import Feed
from auricle.learning.loop import Training
from auricle.learning.progress import Progress
from auricle.types import Item, Task

if __name__ == "__main__":
    asked, clock = wanted(), Clock()
    sound = soundfile.info(asked.clips[0][0])
    recipe = recipes.parse(
        {
            "sample_rate": sound.samplerate,
            "frontend": {"name": "log_mel", "bins": BINS},
            "model": {"name": "cnn"},
            "loss": {"name": "cross_entropy", "label_smoothing": 0.0},
            "feed": {"seconds": sound.duration},
            "train": {
                "epochs": asked.epochs,
                "batch": asked.batch,
                "lr": asked.lr,
                "ema": 0.0,
                "precision": asked.precision or "auto",
                "device": "cpu",
                "workers": max(1, asked.workers),
                "checkpoint_minutes": 1000.0,
            },
        }
    )
    task = Task(tuple(asked.labels))
    feed = Feed(task, recipe)
    items = feed.survey([Item(Path(path), (label,)) for path, label in asked.clips]).usable
    torch.manual_seed(0)
    pipe = build(recipe, task)
    if hasattr(pipe.frontend, "fit"):
        pipe.frontend.fit((torch.from_numpy(feed.wave(item))[None], torch.tensor([len(feed.wave(item))])) for item in items)
    run = Training(pipe, feed, items, ())

    def report(at: Progress, _loss: float) -> None:
        if at.step == run.steps:
            clock.end()
            clock.begin()

    with tempfile.TemporaryDirectory() as folder:
        clock.begin()
        run.run(Path(folder), report)
    clock.tell(run.at.rows[-1]["train_loss"])
