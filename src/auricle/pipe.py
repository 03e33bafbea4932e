"""The pipe: wave → feature → hidden → logits, for whole clips and for streams.

Streaming is explicit. The wave that the next frames still need travels in the state under "wave"; the rest of the state belongs to the
front end ("frontend.…", where it has one), the model ("model.…") and the head ("head.…"). Whatever the chunks, the concatenated answers
equal those of the whole clip.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.types import State


class Pipe(nn.Module):
    """Front end, model and head in one module.

    Args:
        frontend: wave to feature; see `auricle.frontends`.
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
            classes = self.head(chunk.new_zeros(1, self.head.dim, 1), torch.ones(1)).shape[-1]
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
        feature, front = self._feature(wave, _part(state, "frontend."))
        hidden, model = self.model.step(feature, _part(state, "model."))
        logits, head = self.head.step(hidden, _part(state, "head."))
        after = {f"frontend.{k}": v for k, v in front.items()}
        after |= {f"model.{k}": v for k, v in model.items()} | {f"head.{k}": v for k, v in head.items()}
        return hidden, logits, after

    def _feature(self, wave: Tensor, state: State) -> tuple[Tensor, State]:
        """The frames of one block; a front end with a memory of its own, such as pcen, steps."""
        if hasattr(self.frontend, "step"):
            feature, after = self.frontend.step(wave, state)
            return feature, after
        length = torch.full((wave.shape[0],), wave.shape[-1], device=wave.device)
        return self.frontend(wave, length)[0], {}

    def _refuse_unless_streamable(self) -> None:
        for name in ("frontend", "model", "head"):
            stage = getattr(self, name)
            if not getattr(stage, "streamable", False):
                why = getattr(stage, "obstacle", "")
                raise RequestError(
                    f"the {name} {type(stage).__name__} has no exact streaming form{': ' * bool(why)}{why}",
                    hint="listen runs it over overlapping windows instead",
                )


def _part(state: State, prefix: str) -> State:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
