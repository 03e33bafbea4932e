"""The battery for front ends: `wave [B, T], length [B] -> feature [B, F, N], length [B]`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from auricle.contracts._modules import Subject, full, module_checks, same, settled
from auricle.contracts._signature import docstring, signature
from auricle.contracts._stream import chunkings
from auricle.contracts._verdict import BrokenContractError, Check, Verdict, demand, verdicts
from auricle.errors import AuricleError

_SAMPLE_RATE = 16_000


def frontends(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on a front end.

    Args:
        make: its class, or a partial of it; called with `sample_rate`.

    Yields:
        One verdict a check.
    """
    yield from verdicts(_checks(make))


def _checks(make: Callable[..., Any]) -> Iterator[Check]:
    yield "made", lambda: _made(make)
    frontend = make(_SAMPLE_RATE)
    win, hop = int(frontend.win), int(frontend.hop)
    subject = Subject(
        lambda: _module(make, _SAMPLE_RATE), _noise, _call, steps=win + 23 * hop + hop // 2, shortest=win, unit=hop, rest=win - hop
    )
    yield "signature", lambda: signature(make, ("sample_rate",))
    yield "shape", lambda: _shape(subject)
    yield "sample rates", lambda: _rates(make)
    if win > 1:
        yield "short wave", lambda: _short(subject)
    yield "silence", lambda: _silence(subject)
    yield "tones", lambda: _tones(subject)
    if hasattr(frontend, "fit"):
        yield "fit", lambda: _fit(subject)
    yield from module_checks(subject)
    yield "stream", lambda: _blocks(subject) if frontend.streamable else _refusal(make)


def _module(make: Callable[..., Any], sample_rate: int) -> nn.Module:
    module = make(sample_rate)
    demand(isinstance(module, nn.Module), "it is not a torch.nn.Module; derive the class from nn.Module")
    assert isinstance(module, nn.Module)
    return module


def _made(make: Callable[..., Any]) -> str:
    module = _module(make, _SAMPLE_RATE)
    for name, kind in {"bins": int, "win": int, "hop": int, "streamable": bool}.items():
        demand(isinstance(getattr(module, name, None), kind), f"it has no attribute {name} of type {kind.__name__}; add it")
    demand(callable(getattr(module, "frames", None)), "it has no frames(length); say how many frames so many samples make")
    return f"{module.bins} bins, frames of {module.win} samples every {module.hop}"


def _noise(rows: int, steps: int) -> Tensor:
    return 0.1 * torch.randn(rows, steps, generator=torch.Generator().manual_seed(rows * 1_000_000 + steps))


def _call(module: nn.Module, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    feature, frames = module(x, length)
    return feature, frames


@torch.no_grad()
def _shape(subject: Subject) -> str:
    module: Any = settled(subject)
    for samples in (module.win, module.win + module.hop - 1, module.win + module.hop, subject.steps):
        feature, frames = subject.call(module, subject.inputs(2, samples), torch.tensor([samples, module.win]))
        assert frames is not None
        said = module.frames(torch.tensor([samples, module.win]))
        right = feature.ndim in (3, 4) and feature.shape[-2] == module.bins
        demand(right, f"{samples} samples gave {list(feature.shape)}; wanted [B, bins, N], or [B, C, bins, N] for a picture")
        demand(frames.tolist() == said.tolist(), f"forward says {frames.tolist()} frames and frames(length) says {said.tolist()}")
        demand(int(said[0]) == feature.shape[-1], f"frames({samples}) is {int(said[0])}, the feature has {feature.shape[-1]}")
    return f"[B, T] gives [B, {module.bins}, N], N as frames(length) says"


@torch.no_grad()
def _rates(make: Callable[..., Any]) -> str:
    for rate in (8_000, 22_050, 44_100):
        module: Any = _module(make, rate).eval()
        feature, _ = module(_noise(1, rate // 2), full(1, rate // 2))
        demand(bool(feature.isfinite().all()), f"at {rate} Hz the feature is not finite")
    return "8000, 22050 and 44100 Hz work"


@torch.no_grad()
def _short(subject: Subject) -> str:
    module: Any = settled(subject)
    try:
        subject.call(module, subject.inputs(1, module.win - 1), full(1, module.win - 1))
    except AuricleError as said:
        demand(str(module.win) in str(said), f"a wave shorter than one frame raises {said!s}; say how many samples are needed")
        return "a wave shorter than one frame is refused in a sentence"
    except Exception as wrong:
        first = str(wrong).partition("\n")[0]
        raise BrokenContractError(
            f"a wave shorter than one frame raises {type(wrong).__name__} ({first}); raise ShapeError with both numbers"
        ) from wrong
    raise BrokenContractError("a wave shorter than one frame is accepted; raise ShapeError, or say win = 1")


@torch.no_grad()
def _silence(subject: Subject) -> str:
    module = settled(subject)
    for name, value in {"silence": 0.0, "a full-scale constant": 1.0, "clipping tenfold": 10.0}.items():
        feature, _ = subject.call(module, torch.full((1, subject.steps), value), full(1, subject.steps))
        demand(
            bool(feature.isfinite().all()),
            f"{name} gives values that are not finite; add an offset or clamp before the logarithm or division",
        )
    return "silence, a constant and clipping give finite features"


@torch.no_grad()
def _tones(subject: Subject) -> str:
    module = settled(subject)
    at = torch.arange(subject.steps) / _SAMPLE_RATE
    rows = torch.stack([0.3 * torch.sin(2 * math.pi * hertz * at) for hertz in (300.0, 1000.0, 3000.0)])
    feature, _ = subject.call(module, rows, full(3, subject.steps))
    nearest = min(float((feature[i] - feature[j]).abs().max()) for i, j in ((0, 1), (1, 2), (0, 2)))
    demand(nearest > 1e-3, "tones of 300, 1000 and 3000 Hz can't be told apart in the feature")
    return "tones of 300, 1000 and 3000 Hz differ"


@torch.no_grad()
def _fit(subject: Subject) -> str:
    module: Any = subject.make().eval()
    waves = [(subject.inputs(rows, subject.steps), full(rows, subject.steps)) for rows in (2, 5)]
    kept = [wave.clone() for wave, _ in waves]
    module.fit(iter(waves))
    demand(all(torch.equal(w, k) for (w, _), k in zip(waves, kept, strict=True)), "fit changed the waves it was given")
    noisy = []
    for wave, length in waves:
        longer = torch.cat([wave, torch.ones(wave.shape[0], subject.steps)], dim=1)
        noisy.append((longer, length))
    other: Any = subject.make().eval()
    other.fit(iter(noisy))
    for name, value in module.state_dict().items():
        same(
            other.state_dict()[name],
            value,
            f"fit counts what stands behind a row's length: {name} changes by {{difference}}",
            tolerance=1e-4,
        )
    return "statistics are fitted from an iterator, over valid frames only"


@torch.no_grad()
def _blocks(subject: Subject) -> str:
    module: Any = settled(subject)
    wave = subject.inputs(2, subject.steps)
    whole, _ = subject.call(module, wave, full(2, subject.steps))
    worst = 0.0
    stateful = hasattr(module, "step")
    for sizes in chunkings(whole.shape[-1]):
        at = 0
        state = module.start(2) if stateful else {}
        for frames in sizes:
            piece = wave[:, at * module.hop : (at + frames - 1) * module.hop + module.win]
            if stateful:
                found, state = module.step(piece, state)
            else:
                found, _ = subject.call(module, piece, full(2, piece.shape[-1]))
            sentence = f"frames {at} to {at + frames} differ by {{difference}} when made from their own samples, [n·hop, n·hop + win)"
            worst = max(worst, same(found, whole[..., at : at + frames], sentence))
            at += frames
    return f"six chunkings equal the whole clip, to {worst:.0e}"


def _refusal(make: Callable[..., Any]) -> str:
    demand("stream" in docstring(make), "streamable is False; the docstring must say why it does not stream")
    return "does not stream, and its docstring says why"
