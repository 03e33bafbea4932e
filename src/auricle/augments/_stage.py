"""Effects where they stand: which are the feed's and which the device's, how likely by now, and padding kept silent."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from auricle import catalog
from auricle.errors import RequestError
from auricle.share import Share
from auricle.types import Spec


def divided(specs: Sequence[Spec]) -> tuple[tuple[Spec, ...], tuple[Spec, ...]]:
    """A recipe's effects in two parts, each in the recipe's order.

    Args:
        specs: of a recipe.

    Returns:
        What the feed does to each row as it is read, on the processor: all effects on waves up to the last that says `host`; and the rest.

    Raises:
        RequestError: such an effect would come after rows are mixed.
    """
    kinds = [catalog.load("augments", spec.name) for spec in specs]
    last = max((i for i, kind in enumerate(kinds) if getattr(kind, "host", False)), default=-1)
    for spec, kind in zip(specs[: last + 1], kinds, strict=False):
        if kind.domain == "batch" and spec.args.get("on", "wave") == "wave":
            raise RequestError(
                f"augment {specs[last].name} changes each clip as it is read, and stands after {spec.name}, which mixes clips; "
                f"wanted {specs[last].name} before it"
            )
    before = [i <= last and kind.domain == "wave" for i, kind in enumerate(kinds)]
    return (
        tuple(spec for spec, own in zip(specs, before, strict=True) if own),
        tuple(spec for spec, own in zip(specs, before, strict=True) if not own),
    )


def by_now(effect: Any, progress: float) -> Any:
    """The effect with the probability that its schedule has reached.

    Args:
        effect: with `p` and, where its probability moves, `p_end`.
        progress: share of training that is done.

    Returns:
        The effect itself where its probability stays, else a copy.
    """
    end = getattr(effect, "p_end", None)
    if end is None:
        return effect
    now = copy.copy(effect)
    now.p = effect.p + (end - effect.p) * min(1.0, max(0.0, progress))
    return now


def drawn(effect: Any, shape: torch.Size, *, rng: torch.Generator, share: Share) -> dict[str, Tensor]:
    """What an effect does to these rows, drawn for the whole batch: a row's draws don't depend on which process has it.

    Args:
        effect: not one that mixes rows.
        shape: [B, ...] of the rows.
        rng: source of chance, the same in every process.
        share: which rows of the batch they are.

    Returns:
        [B, ...] values by name.
    """
    return {name: share.mine(value) for name, value in effect.draw(rng, share.shape(shape)).items()}


def changed(effect: Any, wave: Tensor, length: Tensor, *, rng: torch.Generator, share: Share | None = None) -> tuple[Tensor, Tensor]:
    """Rows through an effect on waves, what lies behind each row's end silent as before.

    Args:
        effect: of domain "wave".
        wave: [B, T] samples.
        length: [B] valid samples.
        rng: source of chance.
        share: which rows of a batch they are; None where they are all.

    Returns:
        [B, T] samples, and [B] valid ones.
    """
    total = wave.shape[-1]
    values = drawn(effect, wave.shape, rng=rng, share=share or Share()) | {"length": length}
    made = effect.apply(wave, values)
    if hasattr(effect, "stretched"):
        length = effect.stretched(length, values).clamp(max=total)
    # On an accelerator asking whether there is padding would take longer than silencing it.
    if made.device.type == "cpu" and not bool((length < total).any()):
        return made, length
    inside = torch.arange(total, device=made.device)[None] < length[:, None]
    return torch.where(inside, made, made.new_zeros(())), length


def lengths(wave: Tensor, values: dict[str, Tensor]) -> list[int]:
    """Valid samples of each row, for effects that go row by row.

    Args:
        wave: [B, T] samples.
        values: with `length` [B], or without: then every sample is valid.

    Returns:
        One number a row.
    """
    found: list[int] = values["length"].tolist() if "length" in values else [wave.shape[-1]] * wave.shape[0]
    return found


def valid(wave: Tensor, values: dict[str, Tensor]) -> Tensor:
    """Which samples are a row's own.

    Args:
        wave: [B, T] samples.
        values: with `length` [B], or without: then every sample is.

    Returns:
        [B, T] bool.
    """
    at = torch.arange(wave.shape[-1], device=wave.device)[None]
    return at < values["length"].to(wave.device)[:, None] if "length" in values else at.expand(wave.shape) >= 0


def power(wave: Tensor, inside: Tensor) -> Tensor:
    """Mean power of each row's own samples.

    Args:
        wave: [B, T] samples.
        inside: [B, T] which are the row's own.

    Returns:
        [B, 1] power, full scale squared.
    """
    return (wave * inside).square().sum(-1, keepdim=True) / inside.sum(-1, keepdim=True).clamp(min=1)
