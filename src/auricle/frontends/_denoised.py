"""A denoiser in front of a front end: a front end itself, which hears the cleaned wave.

The cleaned wave comes later by the denoiser's delay, in a clip as in a stream, and so does each frame: frame n of the inner front end ends
with the n-th hop of the wave, silence standing before its first sample. In a clip the last `delay` samples are not heard.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from auricle.types import State


class Denoised(nn.Module):
    """A front end behind a frozen denoiser.

    Args:
        denoiser: trained; see `auricle.denoisers`. It doesn't learn any more, and keeps its running statistics.
        inner: what hears the cleaned wave.
    """

    denoiser: Any  # what they are is their kinds' contracts
    inner: Any

    def __init__(self, denoiser: nn.Module, inner: nn.Module) -> None:
        super().__init__()
        self.denoiser = denoiser.eval().requires_grad_(False)
        self.inner = inner
        self.hop = int(self.inner.hop)
        self.before = max(0, int(self.inner.win) - self.hop)  # samples that a frame shares with the one before
        self.win = int(self.inner.win) - self.before
        self.late = int(self.denoiser.delay) + self.before  # samples from a hop to the end of the frames that hold it
        for name in ("bins", "bins_hz", "channels"):
            if hasattr(inner, name):
                setattr(self, name, getattr(inner, name))

    @property
    def streamable(self) -> bool:
        """Whether both stages stream, in step."""
        return not self.obstacle

    @property
    def obstacle(self) -> str:
        """What keeps it from streaming; "" where nothing does."""
        if not getattr(self.inner, "streamable", False):
            return getattr(self.inner, "obstacle", "") or "the front end behind the denoiser has no exact streaming form"
        if self.hop % int(self.denoiser.hop):
            return f"the denoiser's hop of {self.denoiser.hop} samples does not go into the front end's of {self.hop}"
        return ""

    def train(self, mode: bool = True) -> Denoised:
        """The inner front end's mode; the denoiser stays in evaluation mode."""
        super().train(mode)
        self.denoiser.eval()
        return self

    def forward(self, wave: Tensor, length: Tensor) -> tuple[Any, Any]:
        """Feature of the cleaned wave.

        Args:
            wave: [B, T] samples, full scale ±1.
            length: [B] valid samples.

        Returns:
            What the inner front end gives.
        """
        total, hop = wave.shape[-1], int(self.denoiser.hop)
        whole = nn.functional.pad(wave, (0, hop - 1))[:, : (total + hop - 1) // hop * hop]
        clean, _ = self.denoiser.step(whole, self.denoiser.start(wave.shape[0]))
        return self.inner(nn.functional.pad(clean[:, :total], (self.before, 0)), length + self.before)  # type: ignore[no-any-return]

    def frames(self, length: Tensor) -> Any:
        """Frames of so many samples.

        Args:
            length: [B] samples.

        Returns:
            [B] frames.
        """
        return self.inner.frames(length + self.before)

    def fit(self, waves: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Let the inner front end, where it learns statistics, see the cleaned training clips.

        Args:
            waves: pairs of [B, T] samples and [B] valid samples.
        """
        if hasattr(self.inner, "fit"):
            with torch.no_grad():
                self.inner.fit([(self.denoiser(wave, length), length) for wave, length in waves])

    def start(self, rows: int) -> State:
        """The state before the first sample.

        Args:
            rows: streams side by side.

        Returns:
            The denoiser's, the inner front end's, and the end of the cleaned wave.
        """
        state = {f"denoiser.{k}": v for k, v in self.denoiser.start(rows).items()}
        some = next(iter(state.values()))
        if hasattr(self.inner, "step"):
            state |= {f"inner.{k}": v for k, v in self.inner.start(rows).items()}
        return {**state, "before": some.new_zeros(rows, self.before)} if self.before else state

    def step(self, wave: Tensor, state: State) -> tuple[Any, State]:
        """The frames of one block of a stream.

        Args:
            wave: [B, M·hop] samples.
            state: what `start` or the last `step` gave.

        Returns:
            The inner front end's feature of M frames, and the next state.
        """
        clean, denoiser = self.denoiser.step(wave, _part(state, "denoiser."))
        after = {f"denoiser.{k}": v for k, v in denoiser.items()}
        if self.before:
            clean = torch.cat([state["before"], clean], dim=-1)
            after["before"] = clean[:, clean.shape[-1] - self.before :]
        if not hasattr(self.inner, "step"):
            return self.inner(clean, torch.full((clean.shape[0],), clean.shape[-1], device=clean.device))[0], after
        feature, inner = self.inner.step(clean, _part(state, "inner."))
        return feature, after | {f"inner.{k}": v for k, v in inner.items()}


def _part(state: State, prefix: str) -> State:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
