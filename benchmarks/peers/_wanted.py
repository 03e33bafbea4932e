"""What a peer is asked for, and how it answers; and torchvision and torchaudio made loadable beside a torch without CUDA."""

from __future__ import annotations

import csv
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True, slots=True)
class Wanted:
    """One run.

    Args:
        folder: holds train.csv with path and label of each clip, WAV files of one rate and one length, and is the run's own.
        epochs: of which the first only warms up.
        batch: rows of a step.
        lr: of AdamW.
        threads: of torch.
        workers: processes that load.
        precision: "32-true", "bf16-mixed", or "" as the trainer comes.
    """

    folder: Path
    epochs: int
    batch: int
    lr: float
    threads: int
    workers: int
    precision: str

    @property
    def clips(self) -> list[tuple[str, str]]:
        """Path and label of each clip."""
        with (self.folder / "train.csv").open(encoding="utf-8", newline="") as file:
            return [(row["path"], row["label"]) for row in csv.DictReader(file)]

    @property
    def labels(self) -> list[str]:
        """Every label once."""
        return sorted({label for _, label in self.clips})


class Clock:
    """Wall time of each epoch and this process's processor time, told on stdout when all are over."""

    def __init__(self) -> None:
        self._began = (0.0, 0.0)
        self._seconds: list[float] = []
        self._processor: list[float] = []

    def begin(self) -> None:
        """An epoch begins."""
        self._began = (time.perf_counter(), time.process_time())

    def end(self) -> None:
        """Its last step is over."""
        self._seconds.append(time.perf_counter() - self._began[0])
        self._processor.append(time.process_time() - self._began[1])

    def tell(self, loss: float) -> None:
        """Print one line of JSON.

        Args:
            loss: of the last step or epoch, as proof that something was learnt.
        """
        print(json.dumps({"seconds": self._seconds, "processor": self._processor, "loss": loss}))


def wanted() -> Wanted:
    """What the command line asks for."""
    folder, *numbers, precision = sys.argv[1:]
    epochs, batch, lr, threads, workers = numbers
    torch.set_num_threads(int(threads))
    return Wanted(Path(folder), int(epochs), int(batch), float(lr), int(threads), int(workers), precision)


def without_cuda() -> torch.library.Library | None:
    """Load torchvision although its kernels want CUDA's libraries; what is returned must be kept."""
    try:
        import torchvision
    except ImportError:
        return None
    except RuntimeError as wrong:
        if "torchvision::" not in str(wrong):
            raise
    else:
        return None
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision  # noqa: F401

    return library
