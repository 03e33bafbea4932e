"""ConvNeXt-T on 10 s of sound: the published formulation, auricle's, folded, and with 8-bit integers; torch, one and two threads.

Same weights throughout, drawn once; scales, offsets and layer scales too, so that folding them is put to the proof. "Published" is the
network as its authors run it: linear layers between permutations, the other normalisations by mean and square. Calls take turns; the
fastest of each counts, for others' work on the machine only ever adds. `operators_ms` is the sum of each operator's fastest run, which
even a busy machine leaves alone; it doesn't count what lies between operators. There are no trained weights here, and the best five of 527
random logits are an accident, so the classifier is one that sound decides: its rows are the centred embeddings of 128 other clips (the
other classes never answer), and its best five the five clips that sound most alike to the network.

"Products alone" is a bound, not a form: the matrix products of the network's linear layers, each as the one call that this machine computes
fastest, and nothing else of the network. No arrangement of the same layers in that precision takes less.
"""

from __future__ import annotations

import argparse
import copy
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

import _measure
from auricle import bundle, recipe
from auricle.audio.read import read
from auricle.audio.resample import resample
from auricle.compressors.fold import Fold
from auricle.compressors.integers import Integers
from auricle.types import Task

SHARED = Path(__file__).parents[2] / "shared" / "data"


class Published(nn.Module):
    """The authors' arrangement of the same layers."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.dim, self.stride = model.dim, model.stride

    def forward(self, feature: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden [B, D, M] and [B] steps of whole clips [B, F, N]."""
        x = self.model.bn0(feature)[:, None]
        for i, (downsample, stage) in enumerate(zip(self.model.downsample_layers, self.model.stages, strict=True)):
            x = self.norm(downsample[1], downsample[0](x)) if i == 0 else downsample[1](self.norm(downsample[0], x))
            for block in stage:
                y = block.norm(block.dwconv(x).permute(0, 2, 3, 1))
                y = block.gamma * block.pwconv2(nn.functional.gelu(block.pwconv1(y)))
                x = x + y.permute(0, 3, 1, 2)
        return x.mean(2), self.model.steps(length)

    @staticmethod
    def norm(layer: nn.LayerNorm, x: Tensor) -> Tensor:
        """Over the channels, as the authors write it."""
        mean = x.mean(1, keepdim=True)
        x = (x - mean) / torch.sqrt((x - mean).pow(2).mean(1, keepdim=True) + 1e-6)
        return layer.weight[:, None, None] * x + layer.bias[:, None, None]


def clips(count: int, start: int, corpus: str = "esc50_fold4") -> Tensor:
    """[count, 320000] real sound at 32 kHz, two clips of 5 s a row; seeded noise in bursts where the corpus is absent."""
    paths = sorted((SHARED / corpus).rglob("*.ogg"))
    rows = []
    for i in range(start, start + count):
        row = torch.zeros(320_000)
        if paths:
            pair = (paths[i % len(paths)], paths[(7 * i + 3 * (i // len(paths)) + 1) % len(paths)])
            joined = np.concatenate([sound(path) for path in pair])[:320_000]
            row[: len(joined)] = torch.from_numpy(joined)
        else:
            rng = torch.Generator().manual_seed(i)
            row = torch.randn(320_000, generator=rng) * torch.rand(320, generator=rng).repeat_interleave(1000) * 0.2
        rows.append(row)
    return torch.stack(rows)


def sound(path: Path) -> np.ndarray:
    """[T] of a file, mono at 32 kHz."""
    clip = read(path)
    return resample(clip.samples, clip.sample_rate, 32_000).mean(0)


def network() -> bundle.Bundle:
    """ConvNeXt-T with drawn weights, norms and layer scales, and a head of 527 classes."""
    torch.manual_seed(0)
    made = recipe.parse(
        {
            "sample_rate": 32_000,
            "frontend": {"name": "log_mel", "flavour": "convnext_audioset"},
            "model": {"name": "conv_next", "layer_scale": 1.0},
            "head": {"name": "max_mean_pool", "norm": True},
            "feed": {"seconds": 10.0},
        }
    )
    task = Task(tuple(f"class {i}" for i in range(527)), "multi")
    pipe = bundle.build(made, task).eval()
    with torch.no_grad():
        for value in pipe.model.parameters():
            if value.ndim == 1:
                value.add_(0.2 * torch.randn_like(value))
    wave = clips(4, 900)
    pipe.frontend.eval()
    feature, _ = pipe.frontend(wave, torch.full((4,), wave.shape[1]))
    pipe.model.bn0.running_mean.copy_(feature.mean((0, 2)))
    pipe.model.bn0.running_var.copy_(feature.var((0, 2)))
    return bundle.Bundle(pipe, made, task)


def prototypes(whole: bundle.Bundle, count: int) -> None:
    """Fill the classifier with `count` clips' centred embeddings, so that its answers are about sound."""
    rows, pipe, quick = [], whole.pipe, Fold().compress(whole).pipe
    with torch.inference_mode():
        for start in range(0, count, 4):
            wave = clips(min(4, count - start), start)
            hidden, steps = quick.hidden(wave, torch.full((len(wave),), wave.shape[1]))
            rows.append(pipe.head.embedding(hidden, steps))
    found = torch.cat(rows)
    centre = found.mean(0)
    away = nn.functional.normalize(found - centre, dim=1)
    with torch.no_grad():
        pipe.head.linear.weight[:count].copy_(10 * away)
        pipe.head.linear.bias[:count].copy_(-10 * away @ centre)
        pipe.head.linear.weight[count:].zero_()
        pipe.head.linear.bias[count:].fill_(-100)


def fastest(calls: dict[str, nn.Module], feature: Tensor, length: Tensor, turns: int) -> dict[str, float]:
    """Least seconds of each, taken in turns."""
    least = dict.fromkeys(calls, float("inf"))
    for turn in range(turns + 1):
        for name, module in calls.items():
            began = time.perf_counter()
            module(feature, length)
            if turn:
                least[name] = min(least[name], time.perf_counter() - began)
    return least


def products(published: nn.Module, feature: Tensor, length: Tensor, *, dtype: torch.dtype, turns: int) -> float:
    """Least seconds of the linear layers' matrix products."""
    shapes: list[tuple[int, int, int]] = []
    linear = [layer for layer in published.modules() if isinstance(layer, nn.Linear)]
    hooks = [
        layer.register_forward_hook(
            lambda layer, given, _: shapes.append((given[0][..., 0].numel(), layer.in_features, layer.out_features))
        )
        for layer in linear
    ]
    published(feature, length)
    for hook in hooks:
        hook.remove()
    total = 0.0
    for shape in set(shapes):
        rows, inputs, outputs = shape
        left, right, made = (torch.randn(size).to(dtype) for size in ((rows, inputs), (inputs, outputs), (rows, outputs)))
        turned = right.t().contiguous().t()
        seconds = []
        for _ in range(4 * turns):
            for matrix in (right, turned):
                began = time.perf_counter()
                torch.mm(left, matrix, out=made)
                seconds.append(time.perf_counter() - began)
        total += shapes.count(shape) * min(seconds)
    return total


def operators(module: nn.Module, feature: Tensor, length: Tensor, turns: int) -> float:
    """Seconds of all operators, of each call of one the fastest run."""
    runs = []
    for _ in range(turns):
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            module(feature, length)
        runs.append([event.self_cpu_time_total for event in seen.events()])
    usable = [run for run in runs if len(run) == len(runs[-1])]
    return sum(min(each) for each in zip(*usable, strict=True)) / 1e6


def main() -> None:
    """Measures and writes."""
    words = argparse.ArgumentParser()
    words.add_argument("--turns", type=int, default=6)
    words.add_argument("--clips", type=int, default=100)
    words.add_argument("--classes", type=int, default=128)
    asked = words.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    whole = network()
    prototypes(whole, asked.classes)
    calibration = [(wave := clips(4, 1000 + 4 * i), torch.full((4,), wave.shape[1])) for i in range(4)]
    folded, integers = Fold().compress(whole), Integers().compress(whole, calibration)
    published = copy.deepcopy(whole.pipe)
    published.model = Published(published.model)
    pipes = {"published": published, "auricle": whole.pipe, "folded": folded.pipe, "integers": integers.pipe}

    wave = clips(1, 0, "esc10")
    feature, length = whole.pipe.frontend(wave, torch.tensor([wave.shape[1]]))
    agreement = agree(pipes, asked.clips)
    rows: list[dict[str, object]] = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        models = {name: pipe.model for name, pipe in pipes.items()}
        least = fastest(models, feature, length, asked.turns)
        alone = {name: operators(model, feature, length, asked.turns) for name, model in models.items()}
        rows += [
            {
                "form": name,
                "threads": threads,
                "ms": round(1e3 * least[name], 1),
                "times": round(least["published"] / least[name], 2),
                "operators_ms": round(1e3 * alone[name], 1),
                "operators_times": round(alone["published"] / alone[name], 2),
                **agreement[name],
            }
            for name in pipes
        ]
        for dtype in (torch.float32, torch.bfloat16):
            bound = products(published.model, feature, length, dtype=dtype, turns=asked.turns)
            rows.append(
                {
                    "form": f"products alone, {str(dtype).removeprefix('torch.')}",
                    "threads": threads,
                    "ms": round(1e3 * bound, 1),
                    "times": round(least["published"] / bound, 2),
                }
            )
    _measure.write("conv_next_fast", rows)


def agree(pipes: dict[str, nn.Module], count: int) -> dict[str, dict[str, object]]:
    """How far each one's logits are from the published arrangement's, and on how many clips the best five are the same.

    Those that differ by rounding alone are compared on every tenth clip.
    """
    far, ordered, sets, seen = (dict.fromkeys(pipes, 0.0) for _ in range(4))
    spread: list[float] = []
    for i in range(count):
        wave = clips(1, i, "esc10")
        wanted = pipes["published"](wave, torch.tensor([wave.shape[1]]))
        best = wanted.topk(5).indices[0].tolist()
        spread.append(float(wanted[wanted > -50].std()))
        for name, pipe in pipes.items():
            if name != "integers" and i % 10:
                continue
            found = pipe(wave, torch.tensor([wave.shape[1]]))
            top = found.topk(5).indices[0].tolist()
            far[name] = max(far[name], float((found - wanted).abs().max()))
            ordered[name] += top == best
            sets[name] += set(top) == set(best)
            seen[name] += 1
    return {
        name: {
            "clips": int(seen[name]),
            "largest_difference": f"{far[name]:.1e}",
            "spread_of_logits": round(sum(spread) / count, 2),
            "same_first_five": round(sets[name] / seen[name], 3),
            "same_order": round(ordered[name] / seen[name], 3),
        }
        for name in pipes
    }


if __name__ == "__main__":
    main()
