"""What an exported model costs on this machine: size, latency, real-time factor, streams per core, memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auricle.exporters._runner import Runner


@dataclass(frozen=True, slots=True)
class Costs:
    """Measured costs.

    Args:
        path: the file.
        parameters: numbers that were trained.
        size_bytes: of the file.
        threads: used by each operation.
        seconds: length of the measured clip.
        p50_ms: median time for one clip, milliseconds.
        p99_ms: 99th percentile.
        real_time_factor: median time over the clip's length.
        step_p50_ms: median time for one step of a stream, with one thread; 0 where it doesn't stream.
        step_p99_ms: 99th percentile.
        streams_per_core: live streams that one core keeps up with; by overlapping windows every tenth of a window where it doesn't stream.
        algorithmic_ms: sound that must have arrived before the first answer about it, apart from any computing.
        peak_memory_bytes: largest resident memory of the process, the interpreter and the runtime included.
        exact: whether streams are exact.
    """

    path: Path
    parameters: int
    size_bytes: int
    threads: int
    seconds: float
    p50_ms: float
    p99_ms: float
    real_time_factor: float
    step_p50_ms: float
    step_p99_ms: float
    streams_per_core: int
    algorithmic_ms: float
    peak_memory_bytes: int
    exact: bool

    def text(self) -> str:
        """One line a figure."""
        step = f"{self.step_p50_ms:.2f} ms, 99 % within {self.step_p99_ms:.2f} ms (1 thread)" if self.exact else "does not stream exactly"
        rows = {
            "model": str(self.path),
            "parameters": f"{self.parameters:,}",
            "file": f"{self.size_bytes / 1e6:.2f} MB",
            f"clip of {self.seconds:g} s": f"{self.p50_ms:.2f} ms, 99 % within {self.p99_ms:.2f} ms ({self.threads} threads)",
            "real-time factor": f"{self.real_time_factor:.5f}",
            "step of a stream": step,
            "streams per core": f"{self.streams_per_core}" + ("" if self.exact else " (overlapping windows)"),
            "algorithmic latency": f"{self.algorithmic_ms:.0f} ms",
            "peak memory": f"{self.peak_memory_bytes / 1e6:.0f} MB",
        }
        return "\n".join(f"{name:<22}{value}" for name, value in rows.items())

    def tree(self) -> dict[str, object]:
        """Plain JSON values."""
        return {**asdict(self), "path": str(self.path)}


def bench(model: str, *, seconds: float = 0.0, threads: int = 0, repeats: int = 60) -> Costs:
    """Measure latency, real-time factor, streams per core and memory of an exported model on this machine.

    Args:
        model: an .onnx file, a run's folder, or the name of a model that comes with auricle.
        seconds: length of the clip; 0 takes the length the model was trained on.
        threads: inside one operation, for whole clips; 0 takes what this process may use.
        repeats: measurements, after a few unmeasured ones.

    Returns:
        The figures.

    Raises:
        RequestError: no such model, or nothing to measure.
    """
    import numpy as np

    from auricle.errors import RequestError
    from auricle.exporters._session import processors
    from auricle.exporters.onnx import Onnx
    from auricle.runtime import locate

    if repeats < 1 or seconds < 0 or threads < 0:
        raise RequestError("--repeats must be at least 1, --seconds and --threads not negative")
    path = locate(model)
    threads = threads or processors()
    runner = Onnx().open(path, threads=threads)
    facts = runner.facts
    samples = max(facts.shortest, round((seconds or facts.seconds) * facts.sample_rate))
    wave = (np.random.default_rng(0).standard_normal((1, samples)) * 0.05).astype(np.float32)
    clip = _times(lambda: runner.run(wave), repeats)
    p50, p99 = (float(np.percentile(clip, q)) for q in (50, 99))
    single = Onnx().open(path, threads=1)
    if facts.streamable:
        steps = _stream_times(single, repeats)
        cost, period = float(np.median(steps)), facts.hop / facts.sample_rate
        algorithmic = (facts.hop + facts.overlap + facts.lookahead) / facts.sample_rate
    else:
        steps = [0.0]
        cost = float(np.median(_times(lambda: single.run(wave), max(5, repeats // 5))))
        period = min(0.5, facts.seconds / 10)
        algorithmic = max(period, facts.min_samples / facts.sample_rate)
    return Costs(
        path=path,
        parameters=facts.parameters,
        size_bytes=path.stat().st_size,
        threads=threads,
        seconds=samples / facts.sample_rate,
        p50_ms=1e3 * p50,
        p99_ms=1e3 * p99,
        real_time_factor=p50 / (samples / facts.sample_rate),
        step_p50_ms=1e3 * float(np.percentile(steps, 50)),
        step_p99_ms=1e3 * float(np.percentile(steps, 99)),
        streams_per_core=int(period / cost),
        algorithmic_ms=1e3 * algorithmic,
        peak_memory_bytes=peak_memory(),
        exact=facts.streamable,
    )


def peak_memory() -> int:
    """Largest resident memory of this process so far, bytes; 0 where the system doesn't say."""
    import sys

    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _times(run: Callable[[], object], repeats: int) -> list[float]:
    import time

    for _ in range(3):
        run()
    found = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return found


def _stream_times(runner: Runner, repeats: int) -> list[float]:
    import time

    import numpy as np

    rng = np.random.default_rng(0)
    hop, state = runner.facts.hop, runner.start()
    _, state = runner.step((rng.standard_normal((1, runner.facts.min_samples)) * 0.05).astype(np.float32), state)
    found = []
    for turn in range(3 + 4 * repeats):
        chunk = (rng.standard_normal((1, hop)) * 0.05).astype(np.float32)
        began = time.perf_counter()
        _, state = runner.step(chunk, state)
        if turn >= 3:
            found.append(time.perf_counter() - began)
    return found
