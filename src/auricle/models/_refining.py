"""A narrow network trained on from where it was solved, to what the whole network makes of the same clips.

Romero et al. 2015 (FitNets, section 2.2): regression on a teacher's hidden states, here in units of each feature's deviation. What a head
that pools over time hears, each feature's mean and deviation in a clip, is regressed beside the states: errors of one sign from step to
step hardly count among the states, and are all that such a head sees. No label is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from auricle.errors import RequestError
from auricle.layers.masked import valid
from auricle.layers.statistics import statistics

_BATCH = 8  # clips
_RATE, _WARMUP = 1e-3, 0.1  # the highest, and the share of steps before it
_POOLED = 0.2  # weight of means and deviations beside states
_LEAST = 1e-6  # deviation of a feature that doesn't change


@torch.enable_grad()
def refine(student: nn.Module, run: Callable[[Tensor], Tensor], heard: tuple[Tensor, Tensor, Tensor], *, passes: int, mixed: bool) -> None:
    """Train a narrow network by its distance from the whole one's states.

    Args:
        student: whose parameters learn.
        run: its hidden states, from [B, F, N] frames to [B, M, D].
        heard: [B, F, N] frames of training clips, [B] valid steps of each, and [B, M, D] the whole network's states.
        passes: over all clips; their order is drawn, always the same.
        mixed: products in bfloat16.

    Raises:
        RequestError: torch is too old.
    """
    feature, steps, wanted = heard
    inside = valid(steps, wanted.shape[1])
    pooled = statistics(wanted.transpose(1, 2), steps)
    state_size, pooled_size = (rows.std(0, correction=0).clamp(min=_LEAST) for rows in (wanted[inside], pooled))
    batches = -(-len(feature) // _BATCH)
    total = passes * batches
    optimizers = _optimizers(student)
    schedules = [torch.optim.lr_scheduler.LambdaLR(each, partial(_share, total=total)) for each in optimizers]
    chance = torch.Generator().manual_seed(0)
    for _ in range(passes):
        for rows in torch.randperm(len(feature), generator=chance).tensor_split(batches):
            with torch.autocast(feature.device.type, torch.bfloat16, enabled=mixed):
                own = run(feature[rows])
            own = own.float()
            states = ((own - wanted[rows])[inside[rows]] / state_size).square().mean()
            clips = ((statistics(own.transpose(1, 2), steps[rows]) - pooled[rows]) / pooled_size).square().mean()
            student.zero_grad()
            (states + _POOLED * clips).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            for optimizer, schedule in zip(optimizers, schedules, strict=True):
                optimizer.step()
                schedule.step()
    student.zero_grad()


def _optimizers(student: nn.Module) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Jordan et al. 2024 (Muon) for matrices, which learn in fewer steps so; AdamW for all else."""
    if not hasattr(torch.optim, "Muon"):
        raise RequestError(f"model.passes needs torch 2.9 or newer; this is {torch.__version__}", hint="--set model.passes=0")
    matrices, others = ([p for p in student.parameters() if (p.ndim == 2) == wanted] for wanted in (True, False))
    return (
        torch.optim.Muon(matrices, lr=_RATE, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=_RATE, weight_decay=0.0),
    )


def _share(step: int, *, total: int) -> float:
    """Of the highest rate: up to it and down again, evenly."""
    rising = _WARMUP * total
    return min((step + 1) / max(rising, 1.0), (total - step) / max(total - rising, 1.0))
