"""What an exported file says about itself: labels, rates, shapes, calibration, how it was measured. Read and written without torch.

Each field is one entry of the file's metadata, its value in JSON, so that any program with an ONNX runtime can read them.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Literal

from auricle.audio.window import measure
from auricle.errors import BundleError

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """The metadata of an exported file.

    Args:
        format: version of this layout.
        auricle: version of the program that wrote it.
        labels: class names, in the order of the probabilities.
        kind: the task's kind: "single", "multi", "frames" or "distribution".
        sample_rate: samples a second that the graph wants.
        channels: how channels become one: "mean", "first" or "loudest".
        seconds: length of the clips it was trained on, and of the pieces that a long file is cut into.
        min_seconds: shorter clips are padded with silence to this.
        short: what training did to clips shorter than `seconds`: "pad" or "tile".
        hop: samples from one step of the stream to the next; 0 where it doesn't stream.
        overlap: samples that neighbouring blocks of a stream share.
        min_samples: the shortest wave that the graph takes.
        streamable: whether the graph has state inputs, a `track` and state outputs.
        lookahead: samples after a step's own that its answer waits for.
        window: steps that the track pools over.
        temperature: what the logits were divided by; it is already in the graph.
        thresholds: one a label for multi-label tasks, else empty.
        decider: the recipe's decider, name and settings, or empty.
        decoder: library and version that decoded the training sound.
        protocol: how it was measured.
        scores: what came out.
        license: of the data it was trained on.
        citation: of the data it was trained on.
        card: whatever else is known.
        recipe: what it was trained with.
        parameters: numbers that were trained.
        golden: small inputs by formula, and the probabilities they must give.
        max_samples: the longest wave that the network hears; 0 where any length will do, as in files that don't say.
    """

    format: int
    auricle: str
    labels: tuple[str, ...]
    kind: Literal["single", "multi", "frames", "distribution"]
    sample_rate: int
    channels: Literal["mean", "first", "loudest"]
    seconds: float
    min_seconds: float
    short: Literal["pad", "tile"]
    hop: int
    overlap: int
    min_samples: int
    streamable: bool
    lookahead: int
    window: int
    temperature: float
    thresholds: tuple[float, ...]
    decider: dict[str, Any]
    decoder: Any
    protocol: Any
    scores: Any
    license: str
    citation: str
    card: dict[str, Any]
    recipe: dict[str, Any]
    parameters: int
    golden: dict[str, Any] = field(default_factory=dict)
    max_samples: int = 0

    @property
    def shortest(self) -> int:
        """Samples that a shorter clip is padded to with silence."""
        return max(self.min_samples, round(self.min_seconds * self.sample_rate))

    @property
    def win(self) -> int:
        """Samples of the pieces that a long file is cut into."""
        return max(self.min_samples, measure(round(self.seconds * self.sample_rate), self.max_samples)[1])

    @property
    def whole_card(self) -> dict[str, Any]:
        """All that is known of how it was made and measured."""
        named = {k: getattr(self, k) for k in ("decoder", "protocol", "scores", "license", "citation")}
        return {**self.card, **{k: v for k, v in named.items() if v}}


def write(facts: Facts) -> dict[str, str]:
    """The metadata entries, each a JSON text."""
    return {f"auricle.{k}": json.dumps(v, ensure_ascii=False, separators=(",", ":")) for k, v in asdict(facts).items()}


def attach(model: Any, facts: Facts) -> None:
    """Put the facts into a model as its only metadata.

    Args:
        model: an ONNX `ModelProto`; it is changed.
        facts: what is said of it.
    """
    del model.metadata_props[:]
    for key, value in write(facts).items():
        model.metadata_props.add(key=key, value=value)


def read(entries: dict[str, str], where: str) -> Facts:
    """The facts of a file's metadata.

    Args:
        entries: name to JSON text.
        where: the file's name, for errors.

    Returns:
        The facts, checked.

    Raises:
        BundleError: not written by auricle, by a newer one, or damaged.
    """
    own = {k.removeprefix("auricle."): v for k, v in entries.items() if k.startswith("auricle.")}
    if "format" not in own:
        raise BundleError(
            f"{where} was not written by auricle: its metadata has no auricle.format", hint="export a run with `auricle export RUN`"
        )
    values: dict[str, Any] = {}
    for each in fields(Facts):
        if each.name not in own and each.default is not MISSING:
            continue
        if each.name not in own:
            if each.name == "format" or own["format"] == str(FORMAT):
                raise BundleError(f"{where} is damaged: its metadata has no auricle.{each.name}")
            raise BundleError(f"{where} is of format {own['format']}; this auricle reads format {FORMAT}")
        values[each.name] = _value(own[each.name], each.name, where)
    if values["format"] != FORMAT:
        raise BundleError(f"{where} is of format {values['format']}; this auricle reads format {FORMAT}")
    facts = Facts(**{**values, "labels": tuple(values["labels"]), "thresholds": tuple(values["thresholds"])})
    _refuse_nonsense(facts, where)
    return facts


def _value(text: str, name: str, where: str) -> Any:
    wanted: dict[str, tuple[type, ...]] = {
        "int": (int,), "float": (int, float), "bool": (bool,), "str": (str,), "tuple": (list,), "dict": (dict,), "Literal": (str,)
    }  # fmt: skip
    try:
        value = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise BundleError(f"{where} is damaged: its metadata auricle.{name} is not JSON ({wrong})") from wrong
    kind = str(Facts.__annotations__[name]).partition("[")[0]
    if kind in wanted and not isinstance(value, wanted[kind]):
        raise BundleError(f"{where} is damaged: its metadata auricle.{name} is {text[:40]}, which is not a {kind}")
    return value


def _refuse_nonsense(facts: Facts, where: str) -> None:
    checks = {
        "labels": bool(facts.labels) and all(isinstance(label, str) for label in facts.labels),
        "sample_rate": facts.sample_rate > 0,
        "seconds": facts.seconds > 0,
        "min_samples": facts.min_samples > 0,
        "max_samples": facts.max_samples == 0 or facts.max_samples >= facts.min_samples,
        "hop": facts.hop > 0 or not facts.streamable,
        "overlap": facts.overlap >= 0,
        "window": facts.window > 0 or not facts.streamable,
        "channels": facts.channels in ("mean", "first", "loudest"),
        "kind": facts.kind in ("single", "multi", "frames", "distribution"),
        "thresholds": len(facts.thresholds) in (0, len(facts.labels)),
    }
    for name, fine in checks.items():
        if not fine:
            raise BundleError(f"{where} is damaged: its metadata auricle.{name} is {getattr(facts, name)!r}")
