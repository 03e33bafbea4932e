"""What a network costs and hears, measured on the network itself: parameters, products, receptive field, look-ahead.

`docs/networks.py` writes this down for every model beside the models, for `auricle show models`, which runs without torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from auricle import bundle, catalog, pretrained, recipe
from auricle.errors import ShapeError
from auricle.pipe import Pipe
from auricle.recipe import Recipe
from auricle.types import Seconds, Spec, Task

_NARROW = 32  # bins; how far a step hears in time is no matter of how many there are, what it costs to find out is
_LONGEST = 1 << 16  # frames; what is heard from further away counts as the whole clip


@dataclass(frozen=True, slots=True)
class Network:
    """A model's measures, with the settings and the front end that it is usually run with.

    Args:
        parameters: trained numbers of the model, its head not counted.
        macs: products of multiplication and addition for 10 s of sound, front end and head not counted.
        past_frames: frames before its own that a step hears; -1 for all there are.
        lookahead_frames: frames behind its own that a step hears; -1 for all there are.
        hears_s: seconds that one step hears; -1 for the whole clip, 0 for all before it.
        streamable: whether its default settings stream exactly.
        frontend: the front end and, where it has one, its flavour.
        settings: the model's, where they are not its defaults.
    """

    parameters: int
    macs: int
    past_frames: int
    lookahead_frames: int
    hears_s: float
    streamable: bool
    frontend: str
    settings: dict[str, object]


def usual(name: str) -> Recipe:
    """The recipe that a model is measured with: its published weights', else with the front end that its docstring names, else the default.

    Args:
        name: of the model.

    Returns:
        The recipe, the model with its default settings where there are no weights.
    """
    for each in pretrained.names():
        own = dict(pretrained.about(each).recipe)
        if own.get("model", {}).get("name") == name:
            return recipe.parse(own)
    document = " ".join(catalog.document("models", name).split())
    needs = getattr(catalog.load("models", name), "needs", ())
    if needs:
        return recipe.parse({"model": {"name": name}, "frontend": {each: {} for each in needs}})
    tree: dict[str, Any] = {"model": {"name": name}, "frontend": {"name": "log_mel"}}
    named = re.search(r"front end `(\w+)`(?: at [\d,]+ k?Hz,?)?(?: with `(\w+) = (\"?)([\w.]+)\"?`| of flavour `(\w+)`)?", document)
    if named:
        tree["frontend"]["name"] = named[1]
        if named[2]:
            tree["frontend"][named[2]] = named[4] if named[3] else float(named[4])
        if named[5]:
            tree["frontend"]["flavour"] = named[5]
        flavour = catalog.flavours("frontends", named[1]).get(str(tree["frontend"].get("flavour")), {})
        rate = re.search(r"at ([\d,]+) Hz", document)
        tree["sample_rate"] = int(str(flavour.get("sample_rate", rate[1].replace(",", "") if rate else 16_000)))
    elif bins := re.search(r"\b[Oo]n (\d+) bins", document):
        tree["frontend"]["bins"] = int(bins[1])
    return recipe.parse(tree)


def measure(name: str) -> Network:
    """Builds the usual pipe of a model, untrained, and measures its model.

    Args:
        name: of the model.

    Returns:
        The measures.
    """
    made = usual(name)
    torch.manual_seed(0)
    pipe = bundle.build(made, Task(("a", "b"), "multi")).eval()
    narrow = min(pipe.frontend.bins, _NARROW) if isinstance(pipe.frontend.bins, int) else pipe.frontend.bins
    past, ahead = reach(catalog.make("models", made.model, narrow).eval(), narrow)
    return Network(
        parameters=sum(p.numel() for p in pipe.model.parameters()),
        macs=products(pipe, seconds=10.0, sample_rate=made.sample_rate),
        past_frames=past,
        lookahead_frames=ahead,
        hears_s=_seconds(pipe, past, ahead, made.sample_rate),
        streamable=bool(pipe.model.streamable),
        frontend=_told(made.frontend),
        settings=_changed(made),
    )


def products(pipe: Pipe, *, seconds: Seconds, sample_rate: int) -> int:
    """Multiplications with an addition that the model does for one clip; elementwise work and transforms are not counted.

    Args:
        pipe: front end, model and head.
        seconds: length of the clip.
        sample_rate: of the clip.

    Returns:
        The count, of convolutions, matrix products, recurrences and attention.
    """
    samples = round(seconds * sample_rate)
    with torch.no_grad():
        feature, frames = pipe.frontend(torch.randn(1, samples) * 0.1, torch.tensor([samples]))
        return counted(pipe.model, feature, frames)


def counted(model: nn.Module, *given: Any) -> int:
    """Multiplications with an addition in one call.

    Args:
        model: any module; in evaluation mode.
        *given: what it is called with.

    Returns:
        The count, of convolutions, matrix products, recurrences and attention.
    """
    # Recurrences and attention in their plain forms, which are made of products that can be counted.
    plain = any(isinstance(each, nn.RNNBase) for each in model.modules())
    fused, fast = torch.backends.mkldnn.enabled, torch.backends.mha.get_fastpath_enabled()
    counter = FlopCounterMode(display=False)
    try:
        torch.backends.mkldnn.set_flags(fused and not plain)  # type: ignore[no-untyped-call]
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
            model(*given)
    finally:
        torch.backends.mkldnn.set_flags(fused)  # type: ignore[no-untyped-call]
        torch.backends.mha.set_fastpath_enabled(fast)
    return int(counter.get_total_flops()) // 2


def reach(model: Any, bins: Any) -> tuple[int, int]:
    """How far around its own frames a step hears, by perturbation: what is not a number in one place shows wherever it arrives.

    Args:
        model: in evaluation mode; step m stands for frames m·stride up to (m + 1)·stride.
        bins: of its feature, by name where it needs several.

    Returns:
        Frames before and frames behind; -1 where every step hears all there are.
    """
    stride, frames = int(model.stride), max(64 * int(model.stride), int(getattr(model, "min_frames", 1)) + 64 * int(model.stride), 256)
    longest = max(_LONGEST, frames)
    while True:
        heard = _Heard(model, bins, frames)
        try:
            behind, before = heard.all_behind(), heard.all_before()
        except ShapeError:  # longer than the model takes
            frames, longest = frames // 2, frames // 2
            continue
        past = -1 if before else _past(heard, stride, frames)
        ahead = -1 if behind else _ahead(heard, stride, frames)
        if ((past >= 0 or before) and (ahead >= 0 or behind)) or 4 * frames > longest:
            return past, ahead
        frames *= 4


class _Heard:
    """Which steps stay numbers where some frames are not."""

    def __init__(self, model: Any, bins: Any, frames: int) -> None:
        self.model, self.bins, self.total = model, bins, frames

    def __call__(self, first: int, stop: int) -> Tensor:
        """[M] whether each step is numbers where frames first up to stop are not."""
        generator = torch.Generator().manual_seed(0)

        def one(bins: int) -> Tensor:
            x = torch.randn(1, bins, self.total, generator=generator)
            x[..., first:stop] = torch.nan
            return x

        length = torch.tensor([self.total])
        given = ({k: one(b) for k, b in self.bins.items()}, dict.fromkeys(self.bins, length)) if isinstance(self.bins, dict) else None
        with torch.no_grad():
            hidden, _ = self.model(*given) if given else self.model(one(self.bins), length)
        clean: Tensor = hidden[0].isfinite().all(0)
        return clean

    def all_before(self) -> bool:
        """Whether the last step hears the very first frame."""
        return not bool(self(0, 1)[-1])

    def all_behind(self) -> bool:
        """Whether the first step hears the very last frame."""
        return not bool(self(self.total - 1, self.total)[0])


def _past(heard: _Heard, stride: int, frames: int) -> int:
    """Step m hears m·stride - past and on: it stays clean while what comes before is spoilt."""

    def first(stop: int) -> int:
        clean = heard(0, stop)
        return int(clean.int().argmax()) if bool(clean.any()) else -1

    begin = frames // 4 // stride * stride
    step = first(begin)
    if step < 0:
        return -1
    last = _turn(lambda more: first(begin + more) == step, stride)
    return max(0, step * stride - (begin + last))


def _ahead(heard: _Heard, stride: int, frames: int) -> int:
    """Step m hears up to (m + 1)·stride + ahead: it stays clean while what comes behind is spoilt."""

    def final(begin: int) -> int:
        clean = heard(begin, frames)
        return int(clean.nonzero().max()) if bool(clean.any()) else -1

    begin = 3 * frames // 4 // stride * stride
    step = final(begin)
    if step < 0:
        return -1
    less = _turn(lambda fewer: final(begin - fewer) == step, stride)
    return max(0, begin - less - (step + 1) * stride)


def _turn(holds: Callable[[int], bool], limit: int) -> int:
    """The largest number below `limit` for which it holds, holding for 0 and for all below that."""
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _seconds(pipe: Pipe, past: int, ahead: int, sample_rate: int) -> Seconds:
    if ahead < 0:
        return -1.0
    if past < 0:
        return 0.0
    frames = past + int(pipe.model.stride) + ahead
    return round(((frames - 1) * int(pipe.frontend.hop) + int(pipe.frontend.win)) / sample_rate, 4)


def _changed(made: Recipe) -> dict[str, object]:
    """The model's settings that are not its defaults."""
    defaults = {each.name: each.default for each in catalog.settings("models", made.model.name)}
    return {name: value for name, value in made.model.args.items() if value != defaults.get(name)}


def _told(frontend: Spec | dict[str, Spec]) -> str:
    """The front end's name, and the published flavour whose settings these are."""
    if isinstance(frontend, dict):
        return " + ".join(frontend)
    for flavour, settings in catalog.flavours("frontends", frontend.name).items():
        if all(frontend.args.get(k) == v for k, v in settings.items() if k != "sample_rate"):
            return f"{frontend.name} ({flavour})"
    return frontend.name
