"""Replay an exported model's golden inputs on this machine; fails loudly where the answers differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Verified:
    """A model that answers here as it did where it was exported.

    Args:
        path: the file.
        replayed: what was replayed, and the largest difference of a probability.
        tolerance: the largest difference allowed.
        runtime: the runtime's name and version.
    """

    path: Path
    replayed: tuple[tuple[str, float], ...]
    tolerance: float
    runtime: str

    def text(self) -> str:
        """One line for each replay, and the verdict."""
        lines = [f"{name:<36}differs by {far:.1e}" for name, far in self.replayed]
        return "\n".join(
            [*lines, f"{self.path} answers on this machine as where it was exported, within {self.tolerance:g} ({self.runtime})"]
        )

    def tree(self) -> dict[str, object]:
        """Plain JSON values."""
        replayed = [{"what": name, "difference": far} for name, far in self.replayed]
        return {"path": str(self.path), "replayed": replayed, "tolerance": self.tolerance, "runtime": self.runtime}


def verify(model: str) -> Verified:
    """Replay the golden inputs that an exported model carries, clips and a stream, and compare the answers.

    Args:
        model: an .onnx file, a run's folder, or the name of a model that comes with auricle.

    Returns:
        How far each answer is from the recorded one.

    Raises:
        RequestError: there is no such model.
        BundleError: a damaged file, or an answer that differs.
    """
    from auricle.errors import BundleError
    from auricle.exporters import _golden
    from auricle.exporters.onnx import Onnx
    from auricle.runtime import locate

    path = locate(model)
    runner = Onnx().open(path)
    try:
        replayed = tuple(_golden.replay(runner))
    except (KeyError, ValueError, TypeError, IndexError) as wrong:
        raise BundleError(f"{path} is damaged: its golden inputs can't be replayed ({wrong!r})") from wrong
    if not replayed:
        raise BundleError(f"{path} is damaged: it carries no golden inputs")
    bad = [(name, far) for name, far in replayed if not far <= Onnx.tolerance]
    if bad:
        name, far = max(bad, key=lambda each: each[1])
        raise BundleError(
            f"{path} answers differently on this machine: {name} differs by {far:.2g}, wanted at most {Onnx.tolerance:g}"
            f" ({len(bad)} of {len(replayed)} replays)",
            hint="the file was changed after its export, or this machine's runtime computes wrongly; don't use it here",
        )
    import onnxruntime

    return Verified(path, replayed, Onnx.tolerance, f"onnxruntime {onnxruntime.__version__}")
