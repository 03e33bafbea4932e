"""The pipe: wave → feature → hidden → logits, for whole clips and for streams.

Streaming is explicit. The wave that the next frames still need travels in the state under "wave"; the rest of the state belongs to the
front end ("frontend.…", where it has one), the model ("model.…") and the head ("head.…"). Whatever the chunks, the concatenated answers
equal those of the whole clip.

A model may need several front ends side by side; its feature and its frames are then dicts by their names.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.types import State


class SideBySide(nn.Module):
    """Several front ends on one wave, each with a feature of its own.

    They stream where each of them does and all have one hop: frame n of each then begins at sample n·hop, and as many frames count as the
    one of the longest window has.

    Args:
        members: front ends by name.
    """

    members: Any  # front ends by name, as their contract has them

    def __init__(self, members: dict[str, nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleDict(members)
        wins = {name: int(each.win) for name, each in self.members.items()}
        self.longest = max(wins, key=lambda name: wins[name])
        self.win = wins[self.longest]
        self.hop = max(int(each.hop) for each in self.members.values())
        self.bins = {name: each.bins for name, each in self.members.items()}

    @property
    def streamable(self) -> bool:
        """Whether each member streams, and all at one hop."""
        return not self.obstacle

    @property
    def obstacle(self) -> str:
        """What keeps it from streaming, with the member's name; "" where nothing does."""
        for name, each in self.members.items():
            if not getattr(each, "streamable", False):
                return f"{name}: {getattr(each, 'obstacle', '') or 'it has no exact streaming form'}"
        hops = {name: each.hop for name, each in self.members.items()}
        if len(set(hops.values())) > 1:
            return f"hops of {', '.join(f'{hop} samples ({name})' for name, hop in hops.items())} don't keep in step"
        return ""

    def forward(self, wave: Tensor, length: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Feature of each member.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            [B, F, N] features (pictures [B, C, F, N]) and [B] valid frames, both by name.
        """
        made = {name: each(wave, length) for name, each in self.members.items()}
        features, frames = {k: v[0] for k, v in made.items()}, {k: v[1] for k, v in made.items()}
        if self.streamable:
            count = features[self.longest].shape[-1]
            return {k: v[..., :count] for k, v in features.items()}, dict.fromkeys(frames, frames[self.longest])
        return features, frames

    def frames(self, length: Tensor) -> Tensor:
        """Frames of the member with the longest window; of every member, where they stream.

        Args:
            length: [B] samples.

        Returns:
            [B] frames.
        """
        frames: Tensor = self.members[self.longest].frames(length)
        return frames

    def fit(self, waves: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Let each member that learns statistics see the training clips.

        Args:
            waves: pairs of [B, T] samples and [B] valid samples.
        """
        kept = list(waves)
        for each in self.members.values():
            if hasattr(each, "fit"):
                each.fit(kept)

    def start(self, rows: int) -> State:
        """The state of the members that have one.

        Args:
            rows: streams side by side.

        Returns:
            [B, ...] tensors named `member.tensor`.
        """
        state: State = {}
        for name, each in self.members.items():
            if hasattr(each, "start"):
                state |= {f"{name}.{k}": v for k, v in each.start(rows).items()}
        return state

    def step(self, wave: Tensor, state: State) -> tuple[dict[str, Tensor], State]:
        """The frames of one block of a stream.

        Args:
            wave: [B, T] samples, as many frames and the overlap of the longest window.
            state: what `start` or the last `step` gave.

        Returns:
            [B, F, N] features by name, all of as many frames, and the next state.
        """
        features: dict[str, Tensor] = {}
        after: State = {}
        for name, each in self.members.items():
            own = wave[:, : wave.shape[-1] - (self.win - int(each.win))]
            features[name], front = _block(each, own, _part(state, f"{name}."))
            after |= {f"{name}.{k}": v for k, v in front.items()}
        return features, after


class Pipe(nn.Module):
    """Front end, model and head in one module.

    Args:
        frontend: wave to feature; see `auricle.frontends`. Several stand in a `SideBySide`.
        model: feature to hidden; see `auricle.models`.
        head: hidden to logits; see `auricle.heads`.
    """

    # Which attributes each stage has is its kind's contract, kept by the batteries.
    frontend: Any
    model: Any
    head: Any

    def __init__(self, frontend: nn.Module, model: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.frontend = frontend
        self.model = model
        self.head = head

    @property
    def hop(self) -> int:
        """Samples from one step of the hidden sequence to the next."""
        return int(self.frontend.hop) * int(self.model.stride)

    @property
    def min_samples(self) -> int:
        """The shortest wave that makes one step."""
        frames = max(int(self.model.stride), int(getattr(self.model, "min_frames", 1)))
        return (frames - 1) * int(self.frontend.hop) + int(self.frontend.win)

    @property
    def max_samples(self) -> int:
        """The longest wave that the model hears; 0 where any length will do."""
        most = int(getattr(self.model, "max_frames", 0))
        if not most:
            return 0
        samples = range((most + 1) * int(self.frontend.hop) + int(self.frontend.win))
        return bisect_right(samples, most, key=lambda length: int(self.frontend.frames(torch.tensor([length])))) - 1

    @property
    def overlap(self) -> int:
        """Samples that two neighbouring blocks of a stream share."""
        return int(self.frontend.win) - int(self.frontend.hop)

    @property
    def streamable(self) -> bool:
        """Whether every stage has an exact streaming form."""
        return all(bool(getattr(stage, "streamable", False)) for stage in (self.frontend, self.model, self.head))

    def forward(self, wave: Tensor, length: Tensor) -> Tensor:
        """Logits of whole clips.

        Args:
            wave: [B, T] samples, full scale ±1, T >= `min_samples`.
            length: [B] valid samples.

        Returns:
            [B, K] logits.
        """
        hidden, steps = self.hidden(wave, length)
        logits: Tensor = self.head(hidden, steps)
        return logits

    def hidden(self, wave: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden sequence that the head pools.

        Args:
            wave: [B, T] samples.
            length: [B] valid samples.

        Returns:
            [B, D, M] hidden and [B] valid steps.
        """
        feature, frames = self.frontend(wave, length)
        hidden, steps = self.model(feature, frames)
        return hidden, steps

    def frames(self, wave: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Logits over time: when each class is heard, not only whether.

        Args:
            wave: [B, T] samples.
            length: [B] valid samples.

        Returns:
            [B, K, N] logits of the front end's frames, each that of its step, the last step's beyond the last; and [B] valid frames.

        Raises:
            RequestError: the head decides for whole clips only.
        """
        if not hasattr(self.head, "frames"):
            raise RequestError(
                f"the head {type(self.head).__name__} decides for whole clips, not for frames", hint="decision_pool decides for each step"
            )
        feature, frames = self.frontend(wave, length)
        hidden, steps = self.model(feature, frames)
        at = torch.arange(feature.shape[-1], device=hidden.device).div(int(self.model.stride), rounding_mode="floor")
        at = torch.minimum(at[None], (steps.clamp(min=1) - 1)[:, None])  # [B, N]
        logits: Tensor = self.head.frames(hidden, steps)
        return logits.gather(2, at[:, None].expand(-1, logits.shape[1], -1)), frames

    def start(self, rows: int = 1, window: int = 0) -> State:
        """The state before the first sample.

        Args:
            rows: streams side by side.
            window: steps that the head pools over; 0 pools over all so far.

        Returns:
            Named tensors, batch first.

        Raises:
            RequestError: a stage of the pipe does not stream.
        """
        self._refuse_unless_streamable()
        some = next(self.parameters())
        state: State = {"wave": some.new_zeros(rows, 0)}
        if hasattr(self.frontend, "step"):
            state |= {f"frontend.{k}": v for k, v in self.frontend.start(rows).items()}
        state |= {f"model.{k}": v for k, v in self.model.start(rows).items()}
        state |= {f"head.{k}": v for k, v in self.head.start(rows, window).items()}
        return state

    def step(self, chunk: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits after each step that the next samples complete.

        Args:
            chunk: [B, T] the next samples, any number.
            state: what `start` or the last `step` gave; it is not changed.

        Returns:
            [B, K, M] pooled logits, M = 0 while nothing is complete, and the next state.
        """
        wave = torch.cat([state["wave"], chunk], dim=-1)
        steps = (wave.shape[-1] - self.overlap) // self.hop
        if steps < 1:
            classes = self.head(chunk.new_zeros(1, self.head.dim, 1), torch.ones(1, dtype=torch.int64)).shape[-1]
            return chunk.new_zeros(chunk.shape[0], classes, 0), {**state, "wave": wave}
        used = steps * self.hop
        inner = {k: v for k, v in state.items() if k != "wave"}
        _, logits, after = self.advance(wave[:, : used + self.overlap], inner)
        return logits, {"wave": wave[:, used:], **after}

    def advance(self, wave: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """One block of a stream: the part that an exported graph holds.

        Args:
            wave: [B, M·hop + overlap] samples.
            state: the front end's, the model's and the head's tensors.

        Returns:
            [B, D, M] hidden, [B, K, M] pooled logits, and the next state.
        """
        feature, front = _block(self.frontend, wave, _part(state, "frontend."))
        hidden, model = self.model.step(feature, _part(state, "model."))
        logits, head = self.head.step(hidden, _part(state, "head."))
        after = {f"frontend.{k}": v for k, v in front.items()}
        after |= {f"model.{k}": v for k, v in model.items()} | {f"head.{k}": v for k, v in head.items()}
        return hidden, logits, after

    def _refuse_unless_streamable(self) -> None:
        for name in ("frontend", "model", "head"):
            stage = getattr(self, name)
            if not getattr(stage, "streamable", False):
                why = getattr(stage, "obstacle", "")
                raise RequestError(
                    f"the {name} {type(stage).__name__} has no exact streaming form{': ' * bool(why)}{why}",
                    hint="listen runs it over overlapping windows instead",
                )


def _block(frontend: Any, wave: Tensor, state: State) -> tuple[Any, State]:
    """The frames of one block; a front end with a memory of its own, such as pcen, steps."""
    if hasattr(frontend, "step"):
        feature, after = frontend.step(wave, state)
        return feature, after
    length = torch.full((wave.shape[0],), wave.shape[-1], device=wave.device)
    return frontend(wave, length)[0], {}


def _part(state: State, prefix: str) -> State:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
