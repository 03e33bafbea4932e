"""What each augmentation costs: processor milliseconds for a clip of 5 s at 16 kHz, its share of a training step at its default p.

The step is that of the recipe esc10 (16 clips, log-mel, small residual network, forward and backward) without augmentations, on one thread,
measured in turns with them; least of all turns.

python benchmarks/augments.py
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import torch

from _measure import write
from auricle import catalog, recipe
from auricle.augments._stage import changed
from auricle.bundle import build
from auricle.feed import rng
from auricle.types import Batch, Spec, Task

ROWS, TURNS = 16, 5


def least(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Least processor seconds of each, in turns."""
    best = dict.fromkeys(work, float("inf"))
    for _ in range(TURNS):
        for name, run in work.items():
            began = time.thread_time()
            run()
            best[name] = min(best[name], time.thread_time() - began)
    return best


def sound() -> torch.Tensor:
    """[B, T] bursts of noise, each louder than the one before."""
    wave = torch.randn(ROWS, 80_000, generator=rng("wave"))
    return wave * torch.linspace(0.02, 0.3, ROWS)[:, None] * (torch.arange(80_000) % 16_000 < 9_000)


def effect_run(name: str, wave: torch.Tensor) -> Callable[[], object]:
    """One application to the whole batch, its draw included, with p = 1."""
    effect = catalog.make("augments", Spec(name, {"p": 1.0}), 16_000)
    length = torch.full((ROWS,), wave.shape[1])
    feature = torch.randn(ROWS, 64, 248) if effect.domain == "feature" else torch.rand(ROWS, 3, 224, 224)
    if effect.domain == "wave":
        return lambda: changed(effect, wave, length, rng=rng(0))
    if effect.domain == "batch":
        batch = Batch(wave, length, torch.eye(ROWS))
        return lambda: effect.apply(batch, effect.draw(rng(0), wave.shape))
    return lambda: effect.apply(feature, effect.draw(rng(0), feature.shape))


def main() -> None:
    """Every augmentation beside the step."""
    torch.set_num_threads(1)
    plain = dataclasses.replace(recipe.read("esc10"), augment=())
    task = Task(tuple("abcdefghij"))
    pipe = build(plain, task).train()
    wave = sound()
    length, target = torch.full((ROWS,), wave.shape[1]), torch.arange(ROWS) % 10

    def step() -> None:
        torch.nn.functional.cross_entropy(pipe(wave, length), target).backward()

    work: dict[str, Callable[[], object]] = {"": step}
    work |= {name: effect_run(name, wave) for name in catalog.names("augments")}
    took = least(work)
    rows: list[dict[str, object]] = []
    for name in work:
        p = next((s.default for s in catalog.settings("augments", name) if s.name == "p"), 1.0) if name else 1.0
        rows.append(
            {
                "augmentation": name,
                "ms_a_clip": round(1000 * took[name] / ROWS, 3),
                "default_p": p,
                "share_of_step": round(took[name] * float(p) / took[""], 4),
                "step_ms": round(1000 * took[""], 1),
            }
        )
    write("augments", rows)


if __name__ == "__main__":
    main()
