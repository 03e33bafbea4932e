"""autrainer: features computed beforehand by its own `preprocess`, then `train`, from configuration files as its guide has it."""

from __future__ import annotations

import csv
import os
import shutil
import sys
import types
from pathlib import Path

import yaml
from _wanted import Clock, wanted, without_cuda

_library = without_cuda()

import soundfile  # noqa: E402
import torch  # noqa: E402
from autrainer.core.callbacks.callback_mixin import CallbackMixin  # noqa: E402
from autrainer.models import AbstractModel  # noqa: E402
from network import Network  # noqa: E402


class OwnNetwork(AbstractModel):
    """The network as autrainer wants one: pictures [B, 1, N, F] in."""

    def __init__(self, output_dim: int) -> None:
        super().__init__(output_dim)
        self.network = Network(output_dim)

    def embeddings(self, features: torch.Tensor) -> torch.Tensor:
        return self.network(features[:, 0].transpose(1, 2))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.embeddings(features)


class Timed(CallbackMixin):
    """A callback."""

    clock = Clock()
    losses: list[float] = []  # noqa: RUF012

    def cb_on_iteration_begin(self, trainer, iteration):
        self.clock.begin()

    def cb_on_dev_begin(self, trainer, iteration):
        self.clock.end()

    def cb_on_step_end(self, trainer, iteration, batch_idx, loss):
        self.losses.append(loss)


def write(path: Path, tree: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")


def configure(asked, folder: Path) -> None:
    """What a person would write into conf/, and the table of the clips."""
    sounds = folder / "data" / "default"
    sounds.mkdir(parents=True, exist_ok=True)
    rows = []
    for i, (path, label) in enumerate(asked.clips):
        if not (link := sounds / f"{i}.wav").exists():
            link.symlink_to(path)
        rows.append((link.name, label))
    whole = len(rows) // asked.batch * asked.batch
    for name, some in (("train", rows[:whole]), ("dev", rows[:: max(1, len(rows) // 16)]), ("test", rows[:: max(1, len(rows) // 16)])):
        with (folder / "data" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("path", "label"), *some])
    frames = round(soundfile.info(asked.clips[0][0]).duration * 100) + 1
    write(
        folder / "conf/dataset/Clips.yaml",
        {
            "id": "Clips",
            "_target_": "autrainer.datasets.BaseClassificationDataset",
            "path": "data",
            "features_subdir": "log_mel_16k",
            "index_column": "path",
            "target_column": "label",
            "file_type": "npy",
            "file_handler": "autrainer.datasets.utils.NumpyFileHandler",
            "criterion": "autrainer.criterions.CrossEntropyLoss",
            "metrics": ["autrainer.metrics.Accuracy"],
            "tracking_metric": "autrainer.metrics.Accuracy",
            "transform": {"type": "grayscale", "base": [{"autrainer.transforms.Expand": {"size": frames, "axis": -2}}]},
            "train_loader_kwargs": {"num_workers": asked.workers, "drop_last": True},
        },
    )
    write(
        folder / "conf/model/Own.yaml",
        {
            "id": "Own",
            "_target_": "au_trainer.OwnNetwork",
            "transform": {"type": "grayscale", "base": [{"autrainer.transforms.Standardizer": {"subset": "train"}}]},
        },
    )
    write(
        folder / "conf/config.yaml",
        {
            "defaults": ["_autrainer_", "_self_"],
            "results_dir": "results",
            "experiment_id": f"t{asked.threads}w{asked.workers}",
            "iterations": asked.epochs,
            "device": "cpu",
            "progress_bar": False,
            "continue_training": False,
            "callbacks": ["au_trainer.Timed"],
            "hydra": {
                "sweeper": {
                    "params": {
                        "+seed": 1,
                        "+batch_size": asked.batch,
                        "+learning_rate": asked.lr,
                        "dataset": "Clips",
                        "model": "Own",
                        "optimizer": "AdamW",
                    }
                }
            },
        },
    )


if __name__ == "__main__":
    sys.modules["au_trainer"] = types.ModuleType("au_trainer")
    vars(sys.modules["au_trainer"]).update(OwnNetwork=OwnNetwork, Timed=Timed)
    asked = wanted()
    folder = asked.folder / "autrainer"
    shutil.rmtree(folder / "results", ignore_errors=True)  # a finished run would be skipped; its features stay
    configure(asked, folder)
    os.chdir(folder)
    sys.argv = sys.argv[:1]
    import autrainer.cli

    autrainer.cli.preprocess()
    autrainer.cli.train()
    Timed.clock.tell(Timed.losses[-1])
