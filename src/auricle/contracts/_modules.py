"""What every torch module of the pipe must do: be differentiable, repeatable, honest about rows and padding, exportable."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from auricle.contracts._verdict import Check, demand

Answer = tuple[Tensor, Tensor | None]
TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class Subject:
    """A component under test, seen as one function of a tensor whose last axis is time and of each row's valid length.

    Args:
        make: a fresh instance, initialised from torch's random state.
        inputs: `(rows, steps) -> [B, …, T]`, the same for the same arguments.
        call: `(module, x, length) -> (answer [B, …], valid [B])`, valid being None where the answer has no time axis.
        steps: a comfortable length; legal ones are `shortest` and everything above.
        shortest: the shortest legal length.
        unit: the exported graph is traced for lengths of `rest` and a multiple of this, as the exporter does.
        rest: see `unit`.
    """

    make: Callable[[], nn.Module]
    inputs: Callable[[int, int], Tensor]
    call: Callable[[nn.Module, Tensor, Tensor], Answer]
    steps: int
    shortest: int
    unit: int = 1
    rest: int = 0


def module_checks(subject: Subject) -> Iterator[Check]:
    """The checks that hold for front ends, models and heads alike.

    Args:
        subject: the component.

    Yields:
        Name and check.
    """
    yield "lengths", lambda: _lengths(subject)
    yield "gradients", lambda: _gradients(subject)
    yield "determinism", lambda: _determinism(subject)
    yield "inputs untouched", lambda: _untouched(subject)
    yield "batch independence", lambda: _rows(subject)
    yield "padding", lambda: _padding(subject)
    yield "cutting", lambda: _cutting(subject)
    yield "save and load", lambda: _state(subject)
    yield "tensors registered", lambda: _registered(subject)
    yield "export", lambda: _export(subject)


def settled(subject: Subject, seed: int = 0) -> Any:
    """An instance in evaluation mode whose running statistics are no longer the initial ones.

    Args:
        subject: the component.
        seed: of its weights.

    Returns:
        The module.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = subject.make().train()
        with torch.no_grad():
            for rows in (3, 4):
                subject.call(module, subject.inputs(rows, subject.steps), full(rows, subject.steps))
    return module.eval()


def full(rows: int, steps: int) -> Tensor:
    """[B] int64: every row is valid to its end."""
    return torch.full((rows,), steps, dtype=torch.int64)


def same(found: Tensor, wanted: Tensor, sentence: str, *, tolerance: float = TOLERANCE) -> float:
    """The largest difference, which must stay within the tolerance.

    Args:
        found: [...] values.
        wanted: [...] values of the same shape.
        sentence: what to say otherwise; `{difference}` is put in.
        tolerance: times the largest value, or 1 if that is smaller.

    Returns:
        The difference.

    Raises:
        BrokenContractError: they differ.
    """
    demand(found.shape == wanted.shape, f"{sentence.format(difference='the shape')} (shapes {list(found.shape)} and {list(wanted.shape)})")
    difference = float((found - wanted).detach().abs().max()) if found.numel() else 0.0
    scale = max(1.0, float(wanted.detach().abs().max()) if wanted.numel() else 0.0)
    demand(difference <= tolerance * scale, sentence.format(difference=f"{difference:.2g}"))
    return difference


def _valid(answer: Answer, row: int) -> Tensor:
    """What counts of one row's answer."""
    values, length = answer
    return values[row] if length is None else values[row][..., : int(length[row])]


def _lengths(subject: Subject) -> str:
    module = settled(subject)
    tried = [subject.shortest, subject.shortest + 1, subject.steps - 1, subject.steps, 2 * subject.steps + 3]
    for steps in tried:
        for rows in (1, 3):
            with torch.no_grad():
                values, length = subject.call(module, subject.inputs(rows, steps), full(rows, steps))
            demand(values.shape[0] == rows, f"{rows} rows of length {steps} gave {values.shape[0]} rows")
            demand(values.dtype == torch.float32, f"the answer is {values.dtype}; wanted torch.float32")
            demand(bool(values.isfinite().all()), f"length {steps} gave values that are not finite")
            if length is not None:
                demand(length.shape == (rows,) and not length.is_floating_point(), "the second answer must be [B] integers: valid steps")
                demand(int(length.max()) == values.shape[-1], f"length {steps} gave {values.shape[-1]} steps but says {int(length.max())}")
    return f"lengths {tried[0]} to {tried[-1]} work, alone and in batches"


def _gradients(subject: Subject) -> str:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = subject.make().train()
        if getattr(module, "frozen", False):
            demand(not any(p.requires_grad for p in module.parameters()), "frozen is True, but some parameters would learn")
            return "it is frozen, and says so: nothing in it learns"
        x = subject.inputs(4, subject.steps).requires_grad_()
        values, _ = subject.call(module, x, full(4, subject.steps))
        torch.autograd.backward((values * torch.randn(values.shape)).sum())
    reached = [(name, p.grad) for name, p in module.named_parameters() if p.requires_grad]
    for name, gradient in reached:
        demand(gradient is not None, f"no gradient reaches {name}; use it in forward or remove it")
        assert gradient is not None
        demand(bool(gradient.isfinite().all()), f"the gradient of {name} is not finite")
        demand(bool(gradient.any()), f"the gradient of {name} is zero everywhere; something cuts it off")
    demand(x.grad is not None and bool(x.grad.any()), "no gradient reaches the input; something detaches it")
    return f"gradients reach all {len(reached)} parameters"


def _determinism(subject: Subject) -> str:
    module, x, length = settled(subject), subject.inputs(2, subject.steps), full(2, subject.steps)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first, _ = subject.call(module, x, length)
        torch.manual_seed(2)
        second, _ = subject.call(module, x, length)
    demand(bool(torch.equal(first, second)), "in evaluation mode, two calls on one input differ; chance belongs to training only")
    with torch.random.fork_rng(devices=[]):
        again = [subject.call(settled(subject, seed=5), x, length)[0] for _ in range(2)]
    demand(bool(torch.equal(again[0], again[1])), "one seed gave two different modules; draw weights from torch's own random state")
    return "the same input and seed give the same answer, bit for bit"


def _untouched(subject: Subject) -> str:
    module = settled(subject)
    for training in (False, True):
        x, length = subject.inputs(2, subject.steps), full(2, subject.steps)
        before, lengths, state = x.clone(), length.clone(), {k: v.clone() for k, v in module.state_dict().items()}
        subject.call(module.train(training), x, length)
        demand(bool(torch.equal(x, before)), "the input tensor was changed in place; work on a new one")
        demand(bool(torch.equal(length, lengths)), "the length tensor was changed in place; work on a new one")
        kept = all(torch.equal(v, state[k]) for k, v in module.state_dict().items())
        demand(training or kept, "a buffer changed in evaluation mode; hidden state belongs in start and step")
    return "inputs and, in evaluation mode, buffers stay as they were"


@torch.no_grad()
def _rows(subject: Subject) -> str:
    module, x = settled(subject), subject.inputs(3, subject.steps)
    batch = subject.call(module, x, full(3, subject.steps))
    for row in range(3):
        alone = subject.call(module, x[row : row + 1], full(1, subject.steps))
        sentence = "a row alone differs from the same row in a batch by {difference}; rows must not know each other"
        same(_valid(alone, 0), _valid(batch, row), sentence)
    return "a row alone equals the row in a batch"


def _ragged(subject: Subject) -> tuple[Tensor, Tensor]:
    steps = subject.steps
    return subject.inputs(4, steps), torch.tensor([steps, (2 * steps) // 3, max(subject.shortest, steps // 3), subject.shortest])


@torch.no_grad()
def _padding(subject: Subject) -> str:
    module = settled(subject)
    x, length = _ragged(subject)
    clean = subject.call(module, x, length)
    noisy = x.clone()
    for row, steps in enumerate(length.tolist()):
        noisy[row, ..., steps:] = 3.0 * noisy[row, ..., steps:] + 1.0
    other = subject.call(module, noisy, length)
    for row in range(len(length)):
        sentence = "what stands behind a row's length changes its answer by {difference}; mask by `length` before steps are mixed"
        same(_valid(other, row), _valid(clean, row), sentence)
    return "what stands behind a row's length never counts"


@torch.no_grad()
def _cutting(subject: Subject) -> str:
    module = settled(subject)
    x, length = _ragged(subject)
    x = x * (torch.arange(x.shape[-1]) < length.view(-1, *[1] * (x.ndim - 1)))
    padded = subject.call(module, x, length)
    for row, steps in enumerate(length.tolist()):
        alone = subject.call(module, x[row : row + 1, ..., :steps], full(1, steps))
        sentence = (
            "a row padded with zeros differs from the same row cut to its length by {difference}; count by `length`, not by the shape"
        )
        same(_valid(padded, row), _valid(alone, 0), sentence)
    return "a padded row equals the row cut to its length"


@torch.no_grad()
def _state(subject: Subject) -> str:
    from safetensors.torch import load, save

    module, other = settled(subject, seed=0), settled(subject, seed=1)
    state = module.state_dict()
    odd = [name for name, value in state.items() if not isinstance(value, Tensor)]
    demand(not odd, f"{', '.join(odd)} in the state dict is not a tensor; settings belong to the constructor")
    other.load_state_dict(load(save({k: v.contiguous() for k, v in state.items()})) if state else {})
    x, length = subject.inputs(2, subject.steps), full(2, subject.steps)
    found, wanted = subject.call(other, x, length)[0], subject.call(module, x, length)[0]
    demand(
        bool(torch.equal(found, wanted)),
        "another instance with the saved state answers differently; keep what it learnt in parameters or buffers",
    )
    return f"{sum(v.numel() for v in state.values()):,} saved numbers restore it, bit for bit"


def _registered(subject: Subject) -> str:
    module = settled(subject)
    for name, part in module.named_modules():
        loose = [key for key, value in vars(part).items() if isinstance(value, Tensor)]
        where = f"{name}." if name else ""
        demand(not loose, f"{', '.join(where + key for key in loose)} is a loose tensor; register_buffer it, so that it moves and is saved")
    return "every tensor it keeps is a parameter or a buffer"


@torch.no_grad()
def _export(subject: Subject) -> str:
    from auricle.exporters._onnx_graph import portable

    called = _Called(portable(settled(subject)), subject)  # in the form that foreign runtimes have operators for, as the exporter makes it
    graph = _traced(called, subject)
    worst = 0.0
    for rows, units in ((1, 7), (2, 11), (3, 24)):
        steps = subject.rest + units * subject.unit
        y = subject.inputs(rows, steps)
        sentence = f"the exported graph differs by {{difference}} on {rows} rows of length {steps}; no Python branches on values or sizes"
        worst = max(worst, same(graph(y, full(rows, steps)), called(y, full(rows, steps)), sentence))
    return f"the exported graph agrees on other batches and lengths, to {worst:.0e}"


def _traced(called: nn.Module, subject: Subject) -> Any:
    steps = subject.rest + 9 * subject.unit
    x, length = subject.inputs(2, steps), torch.tensor([steps, subject.shortest])
    dynamic = torch.export.Dim.DYNAMIC
    time = subject.unit * torch.export.Dim("units", min=1, max=1 << 20) + subject.rest if subject.unit > 1 else dynamic
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's own, about its own parts
        program = torch.export.export(called, (x, length), dynamic_shapes=({0: dynamic, x.ndim - 1: time}, {0: dynamic}), strict=False)
        # Guards are the tracer's assumptions on sizes, such as "more than one row"; no exported file checks them, the answer counts.
        unguarded = "check_guards" in inspect.signature(program.module).parameters
        return program.module(check_guards=False) if unguarded else program.module()


class _Called(nn.Module):
    """The subject as a module of two tensors and one answer, as an exporter sees it."""

    def __init__(self, module: nn.Module, subject: Subject) -> None:
        super().__init__()
        self.module = module
        self.subject = subject

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        return self.subject.call(self.module, x, length)[0]
