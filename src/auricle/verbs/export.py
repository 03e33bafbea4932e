"""Write a trained run as one file that runs without torch, after proving that it answers alike."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated


@dataclass(frozen=True, slots=True)
class Exported:
    """One exported file.

    Args:
        path: the file.
        size_bytes: of the file.
        compared: probabilities compared with the bundle's.
        difference: the largest difference.
        rounding: the largest change that storing weights in 16 bits made; 0 where they are not.
        streams: whether it holds an exact streaming form.
    """

    path: Path
    size_bytes: int
    compared: int
    difference: float
    rounding: float
    streams: bool

    def text(self) -> str:
        """What was written, and how well it agrees."""
        form = "clips and exact streams" if self.streams else "clips; listening uses overlapping windows"
        lines = [
            f"{self.path}: {self.size_bytes / 1e6:.2f} MB, {form}",
            f"agrees with the trained model within {self.difference:.1e} over {self.compared} probabilities",
        ]
        if self.rounding:
            lines.append(f"weights in 16 bits changed probabilities by at most {self.rounding:.1e}")
        return "\n".join([*lines, f"next: auricle verify {self.path}"])

    def tree(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "path": str(self.path),
            "size_bytes": self.size_bytes,
            "compared": self.compared,
            "difference": self.difference,
            "rounding": self.rounding,
            "streams": self.streams,
        }


def export(
    run: Path, *, to: Annotated[str, "exporters"] = "onnx", out: Path | None = None, window: float = 0.0, half: bool = False
) -> Exported:
    """Write a trained run as one file: waveform in, calibrated probabilities out, all facts and golden answers inside.

    The file is compared with the trained model on odd lengths, padded batches and ragged streams before it gets its name; where they
    differ, nothing is written.

    Args:
        run: folder of a run, or of its bundle, or the name of published weights in the user's cache.
        to: the format.
        out: the file; left out, `model` and the format's suffix in that folder.
        window: seconds that a stream's answer pools over; 0 takes the length the model was trained on.
        half: store large weights in 16 bits, half the size; the change this makes is measured and told.

    Returns:
        What was written, and how well it agrees.

    Raises:
        RequestError: a negative window; weights that are not on this machine.
        BundleError: not a run, or the exported file differs.
    """
    from auricle import backbones, catalog, pretrained
    from auricle import bundle as bundles
    from auricle.errors import RequestError
    from auricle.types import Spec

    if window < 0:
        raise RequestError(f"--window is {window}; wanted seconds, or 0 for the length the model was trained on")
    if str(run) in backbones.names():
        raise RequestError(f"{run} names no classes; there is nothing to export before it is trained on some")
    exporter = catalog.make("exporters", Spec(to))
    folder = run if run.exists() else pretrained.locate(str(run))
    bundle = bundles.load(folder)
    path = out or folder / f"model{exporter.suffix}"
    parity = exporter.write(bundle, path, window=window, half=half)
    return Exported(path, parity.size_bytes, parity.compared, parity.largest, parity.rounding, bundle.pipe.streamable)
