"""A bundle becomes a file: traced, described, compared with the pipe, and only then given its name."""

from __future__ import annotations

import copy
import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import torch

import auricle
from auricle.errors import BundleError, RequestError
from auricle.exporters import _facts, _golden, _onnx_graph, _onnx_inputs, _parity
from auricle.exporters._runner import Runner

if TYPE_CHECKING:
    from auricle.bundle import Bundle

_NAMED = ("decoder", "protocol", "scores", "license", "citation")


def write(bundle: Bundle, path: Path, *, window: float, half: bool, tolerance: float) -> _parity.Parity:
    """Write the file; see `Onnx.write`."""
    if bundle.task.kind == "wave":
        raise RequestError(
            "a denoiser alone is not exported, but within the file of a classifier behind it",
            hint="auricle train DATA --set transfer.denoiser=RUN; auricle denoise takes the run as it is",
        )
    part = path.with_name(f".{path.name}.part")
    try:
        parity = _write(bundle, part, window=window, half=half)
        if not parity.largest <= tolerance:
            raise BundleError(
                f"{path} was not written: the exported graph differs from the pipe by {parity.largest:.2g}; wanted at most {tolerance:g}"
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return dataclasses.replace(parity, size_bytes=path.stat().st_size)


def _write(bundle: Bundle, part: Path, *, window: float, half: bool) -> _parity.Parity:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it advises its own developers
    shipped = _rounded(bundle) if half else bundle
    steps = _window(bundle, window) if bundle.pipe.streamable else 0
    model = _onnx_graph.trace(shipped.pipe, bundle.task.kind, temperature=bundle.temperature, window=steps)
    if half:
        _onnx_inputs.halve(model)
    model.producer_name, model.producer_version = "auricle", auricle.__version__
    facts = _describe(bundle, steps)
    _save(model, facts, part)
    golden = _golden.record(Runner(part))
    _save(model, dataclasses.replace(facts, golden=golden), part)
    runner = Runner(part)
    parity = _parity.compare(shipped, runner)
    if half:
        parity = dataclasses.replace(parity, rounding=_parity.compare(bundle, runner).largest)
    return parity


def _save(model: onnx.ModelProto, facts: _facts.Facts, part: Path) -> None:
    _facts.attach(model, facts)
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(model.SerializeToString())


def _window(bundle: Bundle, seconds: float) -> int:
    wanted = seconds or bundle.recipe.feed.seconds
    return max(1, round(wanted * bundle.recipe.sample_rate / bundle.pipe.hop))


def _describe(bundle: Bundle, window: int) -> _facts.Facts:
    pipe, recipe, feed, card = bundle.pipe, bundle.recipe, bundle.recipe.feed, bundle.card
    tree = recipe.tree()
    kind = bundle.task.kind
    if kind == "wave":
        raise RequestError("the run trained a denoiser, which has no classes to export; it is exported in front of a classifier")
    return _facts.Facts(
        format=_facts.FORMAT,
        auricle=auricle.__version__,
        labels=bundle.task.labels,
        kind=kind,
        sample_rate=recipe.sample_rate,
        channels=feed.channels,
        seconds=float(feed.seconds),
        min_seconds=float(feed.min_seconds),
        short=feed.short,
        hop=pipe.hop if pipe.streamable else 0,
        overlap=pipe.overlap if pipe.streamable else 0,
        min_samples=pipe.min_samples,
        max_samples=pipe.max_samples,
        streamable=pipe.streamable,
        lookahead=max(0, int(getattr(pipe.model, "lookahead", 0))) * int(pipe.frontend.hop) + int(getattr(pipe.frontend, "late", 0)),
        window=window,
        temperature=bundle.temperature,
        thresholds=bundle.thresholds,
        decider=tree.get("decider", {}),
        decoder=card.get("decoder", ""),
        protocol=card.get("protocol", {}),
        scores=card.get("scores", {}),
        license=_text(card.get("license", "")),
        citation=_text(card.get("citation", "")),
        card={k: v for k, v in card.items() if k not in _NAMED},
        recipe=tree,
        parameters=sum(p.numel() for p in pipe.parameters()),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _rounded(bundle: Bundle) -> Bundle:
    """The bundle as a file in 16 bits can hold it: what the exported graph is compared with."""
    twin = copy.deepcopy(bundle.pipe)
    with torch.no_grad():
        for tensor in [*twin.parameters(), *twin.buffers()]:
            if tensor.dtype == torch.float32 and tensor.numel() >= _onnx_inputs.SMALLEST_HALF:
                tensor.copy_(tensor.half().float())
    return dataclasses.replace(bundle, pipe=twin)
