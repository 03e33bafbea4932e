"""The battery for models: `feature [B, F, N], length [B] -> hidden [B, D, M], length [B]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from auricle.contracts._modules import Subject, full, module_checks, same, settled
from auricle.contracts._signature import docstring, signature
from auricle.contracts._stream import chunkings, flat, interleaved, streamed
from auricle.contracts._verdict import Check, Verdict, demand, verdicts
from auricle.errors import AuricleError
from auricle.types import State

_BINS = 20


def models(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on a model.

    Args:
        make: its class, or a partial of it; called with `bins` and the settings of its attribute `small`, where it has one. One that
            needs several front ends gets features of as many bins from each.

    Yields:
        One verdict a check.
    """
    kind = make.func if isinstance(make, partial) else make
    small = partial(kind, **{**getattr(kind, "small", {}), **getattr(make, "keywords", {})})
    yield from verdicts(_checks(small, tuple(getattr(kind, "needs", ()))))


def _checks(own: Callable[..., Any], needs: tuple[str, ...]) -> Iterator[Check]:
    make: Callable[..., Any] = partial(_Joined, own, needs) if needs else own
    yield "made", lambda: _made(make)
    model = make(_BINS)
    stride = int(model.stride)
    least = max(stride, int(getattr(model, "min_frames", 1)))
    subject = Subject(lambda: _module(make), _feature, _call, steps=stride * max(6, 48 // stride), shortest=least, unit=stride)
    yield "signature", lambda: signature(own, ("bins",))
    yield "shape", lambda: _shape(subject)
    yield "bins", lambda: _bins(make)
    yield "lookahead", lambda: _lookahead(subject)
    if getattr(model, "max_frames", 0):
        yield "longest", lambda: _longest(subject)
    yield from module_checks(subject)
    if not model.streamable:
        yield "stream", lambda: _refusal(own)
        return
    yield "stream", lambda: _stream(subject)
    yield "two streams", lambda: interleaved(settled(subject), subject.inputs(2, subject.steps), stride=stride)
    yield "stream state", lambda: flat(settled(subject), lambda steps: subject.inputs(2, steps), steps=stride * 4)


def _module(make: Callable[..., Any]) -> nn.Module:
    module = make(_BINS)
    demand(isinstance(module, nn.Module), "it is not a torch.nn.Module; derive the class from nn.Module")
    assert isinstance(module, nn.Module)
    return module


class _Joined(nn.Module):
    """A model of several front ends as one of a single one, whose bins it shares out."""

    def __init__(self, make: Callable[..., Any], needs: tuple[str, ...], bins: int) -> None:
        super().__init__()
        least = bins // len(needs)
        self.bins = {name: least + (bins - least * len(needs)) * (name == needs[-1]) for name in needs}
        self.model = make(self.bins)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("model"), name)

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        hidden, steps = self.model(self._shared(feature), dict.fromkeys(self.bins, length))
        return hidden, steps

    def step(self, feature: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, after = self.model.step(self._shared(feature), state)
        return hidden, after

    def _shared(self, feature: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.bins, torch.split(feature, list(self.bins.values()), dim=1), strict=True))


def _made(make: Callable[..., Any]) -> str:
    module = _module(make)
    wanted = {"dim": int, "stride": int, "lookahead": int, "streamable": bool}
    for name, kind in wanted.items():
        demand(isinstance(getattr(module, name, None), kind), f"it has no attribute {name} of type {kind.__name__}; add it")
    return f"{sum(p.numel() for p in module.parameters()):,} parameters, dim {module.dim}, stride {module.stride}"


def _feature(rows: int, steps: int) -> Tensor:
    return torch.randn(rows, _BINS, steps, generator=torch.Generator().manual_seed(rows * 1000 + steps))


def _call(module: nn.Module, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    hidden, steps = module(x, length)
    return hidden, steps


@torch.no_grad()
def _shape(subject: Subject) -> str:
    module = settled(subject)
    own = hasattr(module, "steps")
    count = "steps(N)" if own else f"N // {module.stride}"
    for frames in (subject.shortest, subject.steps, subject.steps + 1):
        length = torch.tensor([frames, subject.shortest])
        hidden, steps = subject.call(module, subject.inputs(2, frames), length)
        counted = (module.steps(length) if own else length // module.stride).tolist()
        wanted = [2, module.dim, counted[0]]
        demand(list(hidden.shape) == wanted, f"{frames} frames gave hidden {list(hidden.shape)}; wanted [B, dim, {count}] = {wanted}")
        assert steps is not None
        demand(steps.tolist() == counted, f"lengths {length.tolist()} gave {steps.tolist()}; wanted {count} = {counted}")
    return f"[B, {_BINS}, N] gives [B, {module.dim}, {count}]"


@torch.no_grad()
def _bins(make: Callable[..., Any]) -> str:
    worked = []
    for bins in (8, 13, 40, 80):
        try:
            module = make(bins).eval()
        except AuricleError:
            demand(bins < 40, f"{bins} bins are refused; every model takes what common front ends give")
            continue
        frames = int(module.stride) * 4
        hidden, _ = module(torch.zeros(1, bins, frames), full(1, frames))
        demand(hidden.shape[1] == module.dim, f"{bins} bins gave {hidden.shape[1]} features; dim says {module.dim}")
        worked.append(str(bins))
    return f"{', '.join(worked)} bins work, fewer are refused in a sentence" if len(worked) < 4 else "8, 13, 40 and 80 bins work"


@torch.no_grad()
def _longest(subject: Subject) -> str:
    module = settled(subject)
    most = int(module.max_frames)
    subject.call(module, subject.inputs(2, most), full(2, most))
    try:
        subject.call(module, subject.inputs(2, most + 1), full(2, most + 1))
    except AuricleError:
        return f"hears {most} frames, and refuses more in a sentence"
    demand(False, f"{most + 1} frames are taken; max_frames says {most}; refuse longer clips, which are cut for it")
    return ""


@torch.no_grad()
def _lookahead(subject: Subject) -> str:
    module = settled(subject)
    if module.lookahead < 0:
        demand(not module.streamable, "lookahead is negative, the whole clip is needed; then streamable must be False")
        return "the whole clip is needed"
    x = subject.inputs(1, subject.steps * 2)
    whole, _ = subject.call(module, x, full(1, x.shape[-1]))
    for cut in (subject.steps // 2, subject.steps + 1):
        other = x.clone()
        other[..., cut:] = -other[..., cut:]
        found, _ = subject.call(module, other, full(1, x.shape[-1]))
        final = max(0, (cut - module.lookahead) // module.stride)  # step m is made of frames below (m + 1)·stride + lookahead
        sentence = f"frames from {cut} on change the steps before {final} by {{difference}}; lookahead says {module.lookahead} frames"
        same(found[..., :final], whole[..., :final], sentence)
    return f"looks {module.lookahead} frames ahead at most"


def _refusal(make: Callable[..., Any]) -> str:
    demand("stream" in docstring(make), "streamable is False; the docstring must say why it does not stream")
    return "does not stream, and its docstring says why"


@torch.no_grad()
def _stream(subject: Subject) -> str:
    module = settled(subject)
    x = subject.inputs(2, subject.steps * 2)
    whole, _ = subject.call(module, x, full(2, x.shape[-1]))
    late = module.lookahead // module.stride  # a step is final once its look-ahead was heard
    worst = 0.0
    for sizes in chunkings(x.shape[-1] // module.stride):
        found = streamed(module, x, [s * module.stride for s in sizes])
        steps = whole.shape[-1] - late
        demand(found.shape[-1] >= steps, f"the stream gave {found.shape[-1]} steps of {steps}")
        difference = float((found[..., :steps] - whole[..., :steps]).abs().max())
        worst = max(worst, difference)
        close = difference <= 1e-5 * max(1.0, float(whole.abs().max()))
        demand(
            close, f"in chunks of {sizes[:4]}… strides the stream differs from the whole clip by {difference:.2g}; see what state is kept"
        )
    return f"six chunkings equal the whole clip, to {worst:.0e}"
