"""The battery for exporters: a bundle becomes one file, which another process opens without torch and which answers alike."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from auricle import recipe as recipes
from auricle.bundle import Bundle, build
from auricle.contracts._signature import signature
from auricle.contracts._verdict import BrokenContractError, Check, Verdict, demand, verdicts
from auricle.errors import AuricleError, RequestError, ShapeError
from auricle.exporters import _golden
from auricle.exporters._parity import probabilities
from auricle.types import Task

_LABELS = ("bark", "rain", "speech", "größer als 1")
_ELSEWHERE = """
import importlib, importlib.util, json, sys
import numpy as np
for name in ("torch", "onnx", "onnxscript", "safetensors", "scipy"):
    sys.modules[name] = None
def watch(event, given):
    if event in ("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"):
        raise RuntimeError(f"opening the file led to {event} {given[:2]}")
file, module, kind, path = json.loads(sys.argv[1])
if file:
    spec = importlib.util.spec_from_file_location(module, file)
    found = importlib.util.module_from_spec(spec)
    sys.modules[module] = found
    spec.loader.exec_module(found)
else:
    found = importlib.import_module(module)
from pathlib import Path
sys.addaudithook(watch)
runner = getattr(found, kind)().open(Path(path))
wave = np.sin(np.arange(2 * runner.facts.min_samples) / 5).astype(np.float32)
print(json.dumps(runner.run(wave[None]).tolist()))
"""


@dataclass(frozen=True, slots=True)
class _Written:
    """A bundle and the file that an exporter made of it.

    Args:
        exporter: the component.
        bundle: what was written.
        path: the file.
        report: what `write` returned.
    """

    exporter: Any
    bundle: Bundle
    path: Path
    report: Any

    def open(self) -> Any:
        """The file, opened anew."""
        return self.exporter.open(self.path)


def exporters(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on an exporter.

    Args:
        make: its class, or a partial of it; called without arguments.

    Yields:
        One verdict a check.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield from verdicts(_checks(make, folder), needs="write")


def _checks(make: Callable[..., Any], folder: Path) -> Iterator[Check]:
    written: list[_Written] = []
    yield "made", lambda: _made(make)
    yield "signature", lambda: signature(make, ())
    yield "write", lambda: _write(make, folder, written)
    yield "facts", lambda: _facts(written[0])
    yield "clips", lambda: _clips(written[0])
    yield "padding", lambda: _padding(written[0])
    yield "short clips", lambda: _short(written[0])
    yield "streams", lambda: _streams(written[0])
    yield "golden inputs", lambda: _replayed(written[0])
    yield "damage", lambda: _damage(written[0], folder)
    yield "another process", lambda: _elsewhere(make, written[0])
    yield "whole clips only", lambda: _whole_only(make, folder)


def _bundle(*, streams: bool) -> Bundle:
    """A small bundle of random weights whose answers differ from sound to sound."""
    frontend = {"name": "log_mel", "bins": 16, "padding": "none" if streams else "reflect"}
    model = {"name": "cnn", "width": 4, "blocks": [1], "time_strides": [2], "dim": 16}
    tree = {"sample_rate": 8000, "frontend": frontend, "model": model, "feed": {"seconds": 0.5, "min_seconds": 0.1}}
    recipe, task = recipes.parse(tree), Task(_LABELS, "single" if streams else "multi")
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(4)
        pipe = build(recipe, task)
        for _ in range(8):
            pipe(torch.randn(4, 4000) * torch.tensor([0.3, 0.1, 0.03, 0.003])[:, None], torch.full((4,), 4000))
        pipe.head.linear.weight.mul_(20.0)
    card = {"license": "CC0", "scores": {"accuracy": {"value": 0.25}}, "protocol": {"dataset": "noise"}, "note": "random weights"}
    return Bundle(pipe.eval(), recipe, task, 1.3, () if streams else (0.5, 0.4, 0.6, 0.5), card)


def _made(make: Callable[..., Any]) -> str:
    exporter = make()
    demand(str(getattr(exporter, "suffix", "")).startswith("."), "it has no suffix; say `suffix = '.…'`, the end of its files' names")
    tolerance = getattr(exporter, "tolerance", None)
    good = isinstance(tolerance, float) and 0 < tolerance <= 1e-2
    demand(good, f"its tolerance is {tolerance}; wanted the largest difference of a probability, above 0 and at most 0.01")
    for name in ("write", "open"):
        demand(callable(getattr(exporter, name, None)), f"it has no method {name}; add it")
    return f"made without arguments; writes *{exporter.suffix} within {tolerance:g}"


def _write(make: Callable[..., Any], folder: Path, written: list[_Written]) -> str:
    exporter, bundle = make(), _bundle(streams=True)
    before = {k: v.clone() for k, v in bundle.pipe.state_dict().items()}
    path = folder / "written" / f"model{exporter.suffix}"
    path.parent.mkdir()
    path.write_bytes(b"what was there before")
    report = exporter.write(bundle, path)
    demand(path.is_file(), f"write did not make {path.name}; write the file that is named")
    left = sorted(p.name for p in path.parent.iterdir() if p != path)
    demand(not left, f"write left {', '.join(left)} beside {path.name}; one file holds everything")
    largest, size = getattr(report, "largest", None), getattr(report, "size_bytes", None)
    good = largest is not None and largest <= exporter.tolerance
    demand(good, f"write reported largest = {largest}; compare the file with the bundle and report at most {exporter.tolerance:g}")
    demand(size == path.stat().st_size, f"write reported size_bytes = {size}; the file has {path.stat().st_size}")
    kept = all(torch.equal(v, before[k]) for k, v in bundle.pipe.state_dict().items())
    demand(kept and not bundle.pipe.training, "write changed the bundle; work on a copy")
    written.append(_Written(exporter, bundle, path, report))
    return f"one file of {size:,} bytes, proven within {largest:.1e}; the bundle stays as it was"


def _facts(made: _Written) -> str:
    facts, bundle = made.open().facts, made.bundle
    wanted = {
        "labels": bundle.task.labels,
        "kind": bundle.task.kind,
        "sample_rate": bundle.recipe.sample_rate,
        "seconds": float(bundle.recipe.feed.seconds),
        "temperature": bundle.temperature,
        "thresholds": bundle.thresholds,
        "streamable": bundle.pipe.streamable,
        "license": "CC0",
        "recipe": json.loads(json.dumps(bundle.recipe.tree())),
        "whole_card": bundle.card,
    }
    for name, value in wanted.items():
        found = getattr(facts, name, None)
        demand(found == value, f"the file says {name} = {found!r}; the bundle says {value!r}")
    return f"labels, rate, calibration, licence, scores and recipe are carried: {len(wanted)} fields"


def _noise(rows: int, samples: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(samples)
    return (rng.standard_normal((rows, samples)) * rng.uniform(0.003, 0.3, (rows, 1))).astype(np.float32)


def _wanted(bundle: Bundle, wave: NDArray[np.float32], length: NDArray[np.int64]) -> NDArray[np.float32]:
    with torch.no_grad():
        return probabilities(bundle, bundle.pipe(torch.from_numpy(wave), torch.from_numpy(length)))


def _near(found: NDArray[np.float32], wanted: NDArray[np.float32], tolerance: float, what: str) -> float:
    demand(found.shape == wanted.shape, f"{what} gave shape {found.shape}; the bundle gives {wanted.shape}")
    demand(bool(np.isfinite(found).all()), f"{what} gave probabilities that are not finite")
    far = float(np.abs(found - wanted).max(initial=0.0))
    demand(far <= tolerance, f"{what} differs from the bundle by {far:.2g}; wanted at most {tolerance:g}")
    return far


def _clips(made: _Written) -> str:
    runner, answers, worst = made.open(), [], 0.0
    least = runner.facts.min_samples
    for rows, samples in ((1, least), (1, least + 1), (3, 1999), (8, 4001), (2, 24_001)):
        wave, full = _noise(rows, samples), np.full(rows, samples)
        answers.append(_wanted(made.bundle, wave, full))
        worst = max(worst, _near(runner.run(wave), answers[-1], made.exporter.tolerance, f"{rows} rows of {samples} samples"))
    silence = np.zeros((1, 2000), np.float32)
    _near(runner.run(silence), _wanted(made.bundle, silence, np.array([2000])), made.exporter.tolerance, "silence")
    spread = float(np.concatenate(answers).std(0).max())
    return f"odd lengths, batches and silence agree to {worst:.0e}, answers that spread by {spread:.2f}"


def _padding(made: _Written) -> str:
    runner, wave, length = made.open(), _noise(4, 4001), np.array([4001, 2003, 999, made.bundle.pipe.min_samples])
    wave[np.arange(4001)[None] >= length[:, None]] = 0
    _near(runner.run(wave, length), _wanted(made.bundle, wave, length), made.exporter.tolerance, "a batch with padded rows")
    return "padded rows agree when their lengths are given"


def _short(made: _Written) -> str:
    runner = made.open()
    short = runner.facts.min_samples - 1
    try:
        runner.run(np.zeros((1, short), np.float32))
    except ShapeError as said:
        demand(str(runner.facts.min_samples) in str(said), f"too short a wave raises {said!s}; say how many samples are needed")
    else:
        raise BrokenContractError(f"run accepts {short} samples; raise ShapeError below facts.min_samples")
    wave = _noise(1, short)
    padded = np.pad(wave, ((0, 0), (0, runner.facts.shortest - short)))
    wanted = _wanted(made.bundle, padded, np.array([padded.shape[1]]))[0]
    _near(runner.score(wave[0]), wanted, made.exporter.tolerance, "score of a short clip, padded with silence,")
    return "run refuses what is too short, score pads it"


def _streams(made: _Written) -> str:
    runner, bundle, worst = made.open(), made.bundle, 0.0
    facts = runner.facts
    for rows, sizes in ((1, [1, 37, 4000, 962]), (2, [160] * 20), (3, [5003])):
        wave = _noise(rows, sum(sizes))
        state, parts, at = runner.start(rows), [], 0
        other = runner.start(rows)
        for size in sizes:
            _, other = runner.step(-wave[:, :size], other)  # a second stream between the first one's chunks
            kept = {k: v.copy() for k, v in state.items()}
            part, after = runner.step(wave[:, at : at + size], state)
            demand(all((state[k] == kept[k]).all() for k in kept), "step changed the state it was given; return a new one")
            state, at = after, at + size
            parts.append(part)
        with torch.no_grad():
            logits, _ = bundle.pipe.step(torch.from_numpy(wave), bundle.pipe.start(rows, facts.window))
        track = np.concatenate(parts, axis=-1)
        what = f"a stream in chunks of {', '.join(map(str, sizes[:3]))}… samples"
        worst = max(worst, _near(track, probabilities(bundle, logits), made.exporter.tolerance, what))
    return f"streams of any chunks agree to {worst:.0e}, two at once"


def _replayed(made: _Written) -> str:
    runner = made.open()
    given = runner.facts.golden.get("inputs", [])
    demand(len(given) > 0, "facts.golden holds no inputs; record some with their answers, so that another machine can be checked")
    replayed = _golden.replay(runner)
    far = max(each for _, each in replayed)
    demand(far <= made.exporter.tolerance, f"a golden input is answered {far:.2g} away from its record; record what the file answers")
    told = [_wanted(made.bundle, _golden.wave(g)[None], np.array([g["samples"]]))[0] for g in given]
    recorded = [np.asarray(g["probabilities"], np.float32) for g in given]
    far = max(float(np.abs(a - b).max()) for a, b in zip(told, recorded, strict=True))
    demand(far <= made.exporter.tolerance, f"the golden answers are {far:.2g} away from the bundle's; record the bundle's answers")
    return f"{len(replayed)} golden inputs and streams replay, as the bundle answers them"


def _damage(made: _Written, folder: Path) -> str:
    whole = made.path.read_bytes()
    damaged = {
        "an empty file": b"",
        "its first byte": whole[:1],
        "its first 100 bytes": whole[:100],
        "its first half": whole[: len(whole) // 2],
        "all but its last bytes": whole[: -max(1, len(whole) // 100)],
        "a web page": b"<!DOCTYPE html><html><body>404</body></html>",
        "a pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.",
    }
    for what, content in damaged.items():
        path = folder / f"damaged{made.exporter.suffix}"
        path.write_bytes(content)
        _refused(made.exporter, path, what)
    _refused(made.exporter, folder / f"none{made.exporter.suffix}", "a file that is not there", RequestError)
    return f"{len(damaged)} damaged files and a missing one are refused in a sentence each"


def _refused(exporter: Any, path: Path, what: str, kind: type[AuricleError] = AuricleError) -> None:
    try:
        exporter.open(path)
    except kind as said:
        good = path.name in str(said) and "\n" not in str(said)
        demand(good, f"{what}: open says {said!s}; wanted one sentence that names the file")
    except Exception as wrong:
        raise BrokenContractError(f"{what}: open raises {type(wrong).__name__}; raise {kind.__name__} in one sentence") from wrong
    else:
        raise BrokenContractError(f"{what} is opened without a word; raise BundleError")


def _elsewhere(make: Callable[..., Any], made: _Written) -> str:
    kind = make.func if isinstance(make, partial) else make
    module = str(kind.__module__)
    own = "" if module.startswith("auricle.") else inspect.getsourcefile(kind)
    given = json.dumps([own, module, kind.__qualname__, str(made.path)])
    ran = subprocess.run([sys.executable, "-c", _ELSEWHERE, given], capture_output=True, text=True, check=False)
    last = ran.stderr.strip().rpartition("\n")[2]
    demand(ran.returncode == 0, f"another process without torch can't open the file: {last}; import what writes inside write only")
    runner = made.open()
    wave = np.sin(np.arange(2 * runner.facts.min_samples) / 5).astype(np.float32)
    found = np.asarray(json.loads(ran.stdout.strip().rpartition("\n")[2]), np.float32)
    _near(found, _wanted(made.bundle, wave[None], np.array([len(wave)])), made.exporter.tolerance, "another process")
    return "another process opens it without torch and without running code from it, and answers alike"


def _whole_only(make: Callable[..., Any], folder: Path) -> str:
    exporter, bundle = make(), _bundle(streams=False)
    path = folder / f"whole{exporter.suffix}"
    exporter.write(bundle, path)
    runner = exporter.open(path)
    demand(not runner.facts.streamable, "a bundle that doesn't stream gave a file that says it does")
    demand(runner.facts.thresholds == bundle.thresholds, f"thresholds {bundle.thresholds} became {runner.facts.thresholds}")
    wave = _noise(2, 4003)
    _near(runner.run(wave), _wanted(bundle, wave, np.full(2, 4003)), exporter.tolerance, "a bundle of several labels that doesn't stream")
    try:
        runner.start()
    except AuricleError as said:
        return f"a bundle that doesn't stream is written and refuses to start a stream: {said!s}"[:120]
    raise BrokenContractError("start works on a file that doesn't stream; raise RequestError")
