"""A network follows its teacher: all its parts together, by the gradient of what it still misses of the teacher's states.

What is regressed on is a state within the teacher, not an answer (Romero et al. 2015, FitNets, section 2.2), so that no label is seen: that
of each step, and its mean and deviation over the clip, which a head that pools statistics hears; each in units of what it varies by from
step to step and from clip to clip. Each time a clip is played slower or faster (Ko et al. 2015, Audio augmentation for speech recognition):
what is missed of a speaker unheard is more than of those that train, and a little less so with more voices (`benchmarks/following.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from auricle.augments.speed import Speed
from auricle.feed import rng
from auricle.heads.statistics_pool import StatisticsPool
from auricle.layers.masked import valid
from auricle.learning.schedule import rate
from auricle.pipe import Pipe
from auricle.settings import Train

_BATCH = 8
_PACE = Train(lr=1e-3, warmup=1.0)  # up over the first pass, then down to zero
_MOMENTA = (0.9, 0.98)
_LEAST = 1e-6  # of a deviation: what does not vary is not missed


@dataclass(frozen=True, slots=True)
class Heard:
    """What the teacher makes of some clips.

    Args:
        feature: [B, F, N] frames.
        frames: [B] valid ones.
        states: [B, D, M].
        steps: [B] valid ones.
    """

    feature: Tensor
    frames: Tensor
    states: Tensor
    steps: Tensor


def follow(
    pipe: Pipe,
    teacher: Pipe,
    waves: Sequence[Tensor],
    *,
    passes: int,
    seed: int,
    fast: bool,
    changed: float = 0.8,
    tick: Callable[[], object] = lambda: None,
) -> None:
    """Train a network to make of clips what its teacher makes of them.

    Args:
        pipe: whose model learns, in place; its front end stays as it is.
        teacher: which the model's `wanted` understands.
        waves: [T] samples of each clip.
        passes: how often the clips are gone through.
        seed: of their order and speeds.
        fast: products in bfloat16.
        changed: share of the clips at another speed than their own.
        tick: called each time a clip was heard, `passes` + 1 times for each.
    """
    miss = Miss([heard(pipe, teacher, [wave], fast=fast, tick=tick) for wave in waves])
    optimizer = torch.optim.AdamW(pipe.model.parameters(), betas=_MOMENTA, weight_decay=0.0)
    speed, draws = Speed(pipe.frontend.sample_rate), rng(seed, "following")
    steps = math.ceil(len(waves) / _BATCH)
    for step in range(passes * steps):
        if step % steps == 0:
            batches = torch.split(torch.randperm(len(waves), generator=draws), _BATCH)
        rows = [
            played(waves[i], speed, draws, changed=changed, least=int(pipe.frontend.win))[: pipe.max_samples or None]
            for i in batches[step % steps].tolist()
        ]
        wanted = heard(pipe, teacher, rows, fast=fast, tick=tick)
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            states, _ = pipe.model(wanted.feature, wanted.frames)
        optimizer.param_groups[0]["lr"] = rate(_PACE, step, total=passes * steps, steps=steps)
        optimizer.zero_grad()
        torch.autograd.backward(miss(states.float(), wanted))
        optimizer.step()


def heard(pipe: Pipe, teacher: Pipe, rows: Sequence[Tensor], *, fast: bool, tick: Callable[[], object] = lambda: None) -> Heard:
    """What the teacher makes of some clips, where the network that follows it ends.

    Args:
        pipe: the network that follows, with the front end of both.
        teacher: whole.
        rows: [T] samples of each.
        fast: products in bfloat16.
        tick: called after each.

    Returns:
        That, without a gradient.
    """
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=fast):
        feature, frames = pipe.frontend(pad_sequence(list(rows), batch_first=True), torch.tensor([len(row) for row in rows]))
        states = pipe.model.wanted(teacher, feature, frames).float()
    for _ in rows:
        tick()
    return Heard(feature, frames, states, pipe.model.steps(frames))


class Miss:
    """What is missed of a teacher: a share of the variance over steps of its states and over clips of their means and deviations, summed.

    Args:
        clips: one each, whose states say what varies how much.
    """

    def __init__(self, clips: Sequence[Heard]) -> None:
        self._pool = StatisticsPool(clips[0].states.shape[1], 1)
        steps = torch.cat([each.states[0, :, : int(each.steps)] for each in clips], 1)
        pooled = torch.cat([self._pool.embedding(each.states, each.steps) for each in clips])
        self._of_steps, self._of_clips = (x.std(dim, correction=0).clamp(min=_LEAST) for x, dim in ((steps, 1), (pooled, 0)))

    def __call__(self, states: Tensor, wanted: Heard) -> Tensor:
        """The share missed.

        Args:
            states: [B, D, M] of the network that follows.
            wanted: of the teacher.

        Returns:
            A number.
        """
        inside = valid(wanted.steps, states.shape[-1])
        apart = (states - wanted.states).transpose(1, 2)[inside] / self._of_steps
        pooled, aim = (self._pool.embedding(x, wanted.steps) for x in (states, wanted.states))
        return apart.square().mean() + ((pooled - aim) / self._of_clips).square().mean()


def played(wave: Tensor, speed: Speed, draws: torch.Generator, *, changed: float, least: int) -> Tensor:
    """A clip at its own speed or another.

    Args:
        wave: [T] samples.
        speed: whose rates are drawn from.
        draws: source of chance.
        changed: how likely the speed is another.
        least: samples that shall be left.

    Returns:
        [T'] samples.
    """
    chance, between = torch.rand(2, generator=draws, dtype=torch.float64).tolist()
    pace = min(speed.least + between * (speed.most - speed.least), max(1.0, len(wave) / (least + 0.5)))
    return torch.from_numpy(speed.played(wave.numpy(), pace)) if chance < changed else wave
