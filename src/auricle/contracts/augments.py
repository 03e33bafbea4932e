"""The battery for augments: `draw(rng, shape) -> values`, `apply(tensor, values) -> tensor` of the same shape."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from auricle.augments._stage import by_now, changed
from auricle.contracts._modules import same
from auricle.contracts._signature import signature
from auricle.contracts._verdict import Check, Verdict, demand, verdicts
from auricle.types import Batch

_SAMPLE_RATE = 16_000
_DOMAINS = ("wave", "feature", "picture", "batch")


def augments(make: Callable[..., Any]) -> Iterator[Verdict]:
    """Runs the battery on an augmentation.

    Args:
        make: its class, or a partial of it; called with `sample_rate`, and with `p`.

    Yields:
        One verdict a check.
    """
    yield from verdicts(_checks(make))


def _checks(make: Callable[..., Any]) -> Iterator[Check]:
    yield "made", lambda: _made(make)
    yield "signature", lambda: signature(make, ("sample_rate",))
    yield "shape", lambda: _shape(make)
    yield "values", lambda: _values(make)
    yield "determinism", lambda: _determinism(make)
    yield "inputs untouched", lambda: _untouched(make)
    yield "p = 0", lambda: _identity(make)
    yield "p = 1", lambda: _changes(make)
    yield "silence and clipping", lambda: _extremes(make)
    yield "schedule", lambda: _schedule(make)
    domain = getattr(make(_SAMPLE_RATE), "domain", "")
    if domain == "batch":
        yield "targets", lambda: _targets(make)
    else:
        yield "batch independence", lambda: _rows(make)
    if domain == "wave":
        yield "padding", lambda: _padding(make)
    if hasattr(make(_SAMPLE_RATE), "stretched"):
        yield "stretched", lambda: _stretched(make)


def _made(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE)
    demand(getattr(augment, "domain", None) in _DOMAINS, f"it has no attribute domain out of {', '.join(_DOMAINS)}; add it")
    for name in ("draw", "apply"):
        demand(callable(getattr(augment, name, None)), f"it has no method {name}; add it")
    for p in (0.0, 1.0):
        make(_SAMPLE_RATE, p=p)
    return f"domain {augment.domain}"


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _input(augment: Any, rows: int = 4, last: int = 4000) -> Tensor:
    """Noise in the augment's domain, each row with its own level."""
    frames = max(1, last // 40)
    domain = "feature" if getattr(augment, "on", "wave") == "feature" else augment.domain
    shape = {"feature": (rows, 16, frames), "picture": (rows, 3, 20, frames)}.get(domain, (rows, last))
    levels = torch.linspace(0.05, 0.5, rows).view(-1, *[1] * (len(shape) - 1))
    return levels * torch.randn(shape, generator=_rng(rows + last)).clamp(-2, 2)


def _target(rows: int = 4) -> Tensor:
    return torch.nn.functional.one_hot(torch.arange(rows) % 3, 3).float()


def _applied(augment: Any, x: Tensor, values: Any) -> Tensor:
    if augment.domain == "batch":
        return _mixed(augment, x, values).wave
    out = augment.apply(x, values)
    assert isinstance(out, Tensor)
    return out


def _mixed(augment: Any, x: Tensor, values: Any) -> Batch:
    out = augment.apply(Batch(x, _length(x), _target(x.shape[0])), values)
    demand(isinstance(out, Batch), f"apply gave a {type(out).__name__}; wanted auricle.types.Batch")
    assert isinstance(out, Batch)
    return out


def _length(x: Tensor) -> Tensor:
    """[B] each row shorter than the one before."""
    return torch.linspace(x.shape[-1], 1, x.shape[0]).long()


def _shape(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    for rows, last in ((1, 1), (1, 40), (3, 801), (4, 4000)):
        x = _input(augment, rows, last)
        out = _applied(augment, x, augment.draw(_rng(), x.shape))
        demand(
            out.shape == x.shape and out.dtype == x.dtype, f"{list(x.shape)} {x.dtype} gave {list(out.shape)} {out.dtype}; wanted the same"
        )
        demand(bool(out.isfinite().all()), f"an input of shape {list(x.shape)} gave values that are not finite")
    return "shape and type stay, from one sample to many"


def _values(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    x = _input(augment)
    values = augment.draw(_rng(), x.shape)
    demand(isinstance(values, dict), f"draw gave a {type(values).__name__}; wanted a dict of tensors")
    for name, value in values.items():
        demand(isinstance(value, Tensor), f"the drawn {name} is a {type(value).__name__}; wanted a tensor")
        demand(value.ndim > 0 and value.shape[0] == x.shape[0], f"the drawn {name} is {list(value.shape)}; wanted one row a row, first")
    return f"draws {', '.join(values)}"


def _determinism(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    x = _input(augment)
    before = (torch.random.get_rng_state(), random.getstate())
    values = [augment.draw(_rng(seed), x.shape) for seed in (1, 1, 2)]
    outs = [_applied(augment, x, each) for each in (values[0], values[0], values[1], values[2])]
    # With p = 1 there may be no choice left, as in what turns every row upside down.
    half = make(_SAMPLE_RATE, p=0.5)
    other = not torch.equal(outs[0], outs[3]) or any(
        not torch.equal(_applied(half, x, half.draw(_rng(seed), x.shape)), _applied(half, x, half.draw(_rng(seed + 1), x.shape)))
        for seed in range(5)
    )
    after = (torch.random.get_rng_state(), random.getstate())
    demand(bool(torch.equal(outs[0], outs[1])), "apply on the same values differs; whatever is drawn belongs into draw's values")
    demand(bool(torch.equal(outs[0], outs[2])), "the same generator state drew different values; use the generator that draw is given")
    demand(other, "another generator state changed nothing; use the generator that draw is given")
    untouched = torch.equal(before[0], after[0]) and before[1] == after[1]
    demand(untouched, "it used the global random state; use the generator that draw is given")
    return "the same generator gives the same result, the global random state is left alone"


def _untouched(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    x = _input(augment)
    batch = Batch(x, _length(x), _target())
    values = augment.draw(_rng(), x.shape)
    kept, drawn = x.clone(), {k: v.clone() for k, v in values.items()}
    augment.apply(batch if augment.domain == "batch" else x, values)
    demand(bool(torch.equal(x, kept)), "the input was changed in place; work on a new tensor")
    beside = torch.equal(batch.length, _length(x)) and torch.equal(batch.target, _target())
    demand(beside, "lengths or targets were changed in place; work on new tensors")
    demand(all(torch.equal(values[k], v) for k, v in drawn.items()), "apply changed the drawn values in place; work on new tensors")
    return "input and values stay as they were"


def _identity(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=0.0)
    x = _input(augment)
    for seed in range(5):
        out = _applied(augment, x, augment.draw(_rng(seed), x.shape))
        same(out, x, "with p = 0 the input changes by {difference}", tolerance=1e-7)
    return "p = 0 changes nothing"


def _changes(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    x = _input(augment, rows=16)
    out = _applied(augment, x, augment.draw(_rng(), x.shape))
    changed = int((out - x).flatten(1).any(1).sum())
    demand(changed >= 8, f"with p = 1 only {changed} of 16 rows change")
    return f"p = 1 changes {changed} of 16 rows"


def _extremes(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    shape = _input(augment).shape
    for name, value in {"silence": 0.0, "full scale": 1.0, "clipping tenfold": 10.0}.items():
        out = _applied(augment, torch.full(shape, value), augment.draw(_rng(), shape))
        demand(bool(out.isfinite().all()), f"{name} gives values that are not finite; guard the division or logarithm")
    return "silence, full scale and clipping stay finite"


def _rows(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    x = _input(augment)
    values = augment.draw(_rng(), x.shape)
    batch = _applied(augment, x, values)
    for row in range(x.shape[0]):
        alone = _applied(augment, x[row : row + 1], {k: v[row : row + 1] for k, v in values.items()})
        same(alone[0], batch[row], "a row alone differs from the same row in a batch by {difference}")
    return "each row is changed for itself"


def _targets(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    x, target = _input(augment), _target()
    out = _mixed(augment, x, augment.draw(_rng(), x.shape))
    demand(bool((out.length >= _length(x)).all()), "a mixed row is shorter than the row itself; it is as long as the longer of the two")
    demand(bool((out.length <= x.shape[-1]).all()), "a row is said to be longer than the tensor")
    mixed = out.target
    demand(mixed.shape == target.shape, f"targets {list(target.shape)} became {list(mixed.shape)}")
    same(mixed.sum(-1), target.sum(-1), "a row's targets no longer sum to what they did, by {difference}")
    demand(bool((mixed >= 0).all()), "some targets are negative")
    return "targets stay rows of the same sum"


def _stretched(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    x = _input(augment)
    length = torch.tensor([4000, 3000, 10, 1])
    after = augment.stretched(length, augment.draw(_rng(), x.shape))
    demand(
        after.shape == length.shape and not after.is_floating_point(), "stretched must give [B] integers: valid samples after the change"
    )
    demand(bool((after >= 0).all()), "stretched gave a negative length")
    return f"4000 samples last {int(after[0])} after the change"


def _schedule(make: Callable[..., Any]) -> str:
    rising = make(_SAMPLE_RATE, p=0.0)
    if getattr(rising, "p_end", 0.0) is not None:
        return "keeps its probability: it has no setting p_end"
    rising = make(_SAMPLE_RATE, p=0.0, p_end=1.0)
    x = _input(rising, rows=16)
    for progress, least, most in ((0.0, 0, 0), (0.5, 1, 15), (1.0, 8, 16)):
        now = by_now(rising, progress)
        changes = max(
            int((_applied(now, x, now.draw(_rng(seed), x.shape)) - x).abs().flatten(1).amax(1).gt(1e-7).sum()) for seed in range(3)
        )
        demand(
            least <= changes <= most,
            f"at {progress:.0%} of training, from p = 0 to p_end = 1, {changes} of 16 rows change; draw with self.p",
        )
    return "its probability moves from p to p_end"


def _cut(value: Tensor) -> Tensor:
    """A drawn value for the first 1000 samples, where it has one for each sample."""
    return value[..., :1000] if value.shape[-1] == 4000 else value


def _padding(make: Callable[..., Any]) -> str:
    augment = make(_SAMPLE_RATE, p=1.0)
    x = _input(augment)
    length = torch.tensor([4000, 3000, 1000, 1])
    x = x * (torch.arange(4000)[None] < length[:, None])
    out, after = changed(augment, x, length, rng=_rng())
    demand(bool(((after >= 0) & (after <= 4000)).all()), f"rows of {length.tolist()} samples are said to have {after.tolist()} of 4000")
    behind = out * (torch.arange(4000)[None] >= after[:, None])
    demand(not bool(behind.any()), "there is sound behind a row's end")
    values = augment.draw(_rng(), x.shape) | {"length": length}
    tight = augment.apply(x[2:3, :1000], {k: _cut(v[2:3]) for k, v in values.items()})[0]
    kept = min(int(after[2]), 1000)
    same(
        tight[:kept],
        out[2, :kept],
        "a row differs by {difference} with padding behind it; measure over the row's own samples",
        tolerance=1e-4,
    )
    return "padding stays silent and doesn't count"
