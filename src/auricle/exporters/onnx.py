"""ONNX: one file of waveform in, calibrated probabilities out, streaming state beside them, all facts and golden answers in its metadata.

The same graph serves whole clips and streams: its state inputs and `length` have default values, so that any program may run
`session.run(["probabilities"], {"wave": x})`, and a stream feeds the states that the last step gave back. The front end is inside, as small
matrix products. Opened by ONNX Runtime alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from auricle.errors import MissingExtraError
from auricle.exporters._runner import Runner

if TYPE_CHECKING:
    from auricle.bundle import Bundle
    from auricle.exporters._parity import Parity


class Onnx:
    """ONNX files, operator set 20."""

    suffix = ".onnx"
    tolerance = 1e-4

    def write(self, bundle: Bundle, path: Path, *, window: float = 0.0, half: bool = False) -> Parity:
        """Write a bundle as one file, after proving that it answers as the bundle does.

        Args:
            bundle: what to write.
            path: where; the file appears whole or not at all.
            window: seconds that the streaming answer pools over; 0 takes the recipe's `feed.seconds`.
            half: store large weights in 16 bits; they are widened when the file is opened.

        Returns:
            What was compared, and how far apart it was.

        Raises:
            BundleError: the file doesn't agree with the bundle; nothing is left.
            MissingExtraError: what exporting needs is not installed.
            OSError: the file can't be written.
        """
        try:
            from auricle.exporters._onnx_write import write
        except ModuleNotFoundError as missing:
            raise MissingExtraError(f"exporting to ONNX ({missing.name})", "train") from missing
        return write(bundle, path, window=window, half=half, tolerance=self.tolerance)

    def open(self, path: Path, *, threads: int = 0) -> Runner:
        """An exported file, ready to run; nothing of torch is imported.

        Args:
            path: the .onnx file.
            threads: inside one operation; 0 takes what this process may use.

        Returns:
            The runner.

        Raises:
            RequestError: there is no such file.
            BundleError: a damaged file, or one that auricle did not write.
        """
        return Runner(path, threads=threads)
