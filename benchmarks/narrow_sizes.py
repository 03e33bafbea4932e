"""What sizes of a narrow Whisper of a million parameters lose: how the defaults of the model `narrow_whisper` were settled.

Each is narrowed on nine of EmoDB's speakers and then hears the tenth. Told is what share of the variance it doesn't explain in the
teacher's means and deviations over time, the features that a classifier hears, each of them allowed a scale and an offset; mean over the
features. The teacher's are taken where the student ends, behind the attention of the last layer. Only sound has a say, no label. A first
convolution of 240 channels is the whole one of 80 bins and three taps, which in one piece has 57,600 parameters less.
Needs $AURICLE_DATA and `auricle download whisper.tiny_en_2 --from FILE`.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import Tensor

import _measure
from auricle import bundle, pretrained, recipe
from auricle.heads.statistics_pool import StatisticsPool
from auricle.learning import experiment

UNHEARD = "08"
# Channels of the two convolutions; dimensions of queries and of values and units of the first layer; the same of the second.
SIZES = (
    ((240, 48), (24, 32, 396), (24, 32, 0)),
    ((240, 64), (16, 40, 342), (24, 36, 0)),
    ((240, 48), (10, 56, 370), (10, 36, 0)),
    ((64, 72), (16, 42, 350), (24, 38, 0)),
    ((48, 72), (16, 42, 370), (24, 40, 0)),
)


def settings(size: tuple[tuple[int, ...], ...]) -> tuple[str, ...]:
    """Of the recipe emotion_student."""
    channels, *layers = size
    query, value, units = ([layer[i] for layer in layers] for i in range(3))
    own = (
        f"model.first_channels={channels[0]}",
        f"model.channels={channels[1]}",
        f"model.query_dims={query}",
        f"model.value_dims={value}",
        f"model.units={units}",
    )
    return (*own, f'split={{rule="group", test="{UNHEARD}", dev_fraction=0.0}}')


def pooled(states: list[Tensor]) -> Tensor:
    """[R, 2 D] means and deviations of [1, D, M] states of each clip."""
    pool = StatisticsPool(states[0].shape[1], 2)
    return torch.cat([pool.embedding(each, torch.tensor([each.shape[-1]])) for each in states])


def unexplained(student: Tensor, teacher: Tensor, heard: int) -> tuple[float, float]:
    """Shares of the variance of means and of deviations, of the rows behind the `heard` first, by lines through those."""
    x, y = student[:heard], teacher[:heard]
    slope = ((x - x.mean(0)) * (y - y.mean(0))).mean(0) / (x.var(0) + 1e-9)
    lost = ((student[heard:] - x.mean(0)) * slope + y.mean(0) - teacher[heard:]).square().mean(0) / y.var(0)
    half = len(lost) // 2
    return float(lost[:half].mean()), float(lost[half:].mean())


def main() -> None:
    """Measures and writes."""
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    teacher = bundle.load(pretrained.locate("whisper.tiny_en_2")).pipe.eval()
    seen: list[Tensor] = []
    teacher.model.network.layers[-1].final_layer_norm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    whole: list[Tensor] = []
    rows: list[dict[str, object]] = []
    for size in SIZES:
        began = time.process_time()
        chosen = recipe.read("emotion_student", settings(size))
        prepared = experiment.prepare("emodb", experiment.resolved(chosen), bar=lambda *_: lambda: None)
        train = prepared.division.train
        clips = [torch.from_numpy(prepared.feed.wave(item))[None] for item in (*train, *prepared.division.test)]
        pipe = bundle.build(prepared.recipe, prepared.corpus.task).eval()
        features = [pipe.frontend(wave, torch.tensor([wave.shape[1]])) for wave in clips]
        pipe.model.learn(teacher, pipe.frontend, features[: len(train)])
        if not whole:
            seen.clear()
            for feature, frames in features:
                _, steps = teacher.model(feature, frames)
                whole.append(seen.pop()[:, : int(steps)].transpose(1, 2))
        own = [hidden[..., : int(steps)] for hidden, steps in (pipe.model(*each) for each in features)]
        means, deviations = unexplained(pooled(own), pooled(whole), len(train))
        channels, *layers = size
        rows.append(
            {
                "channels": " ".join(map(str, channels)),
                **{f"layer_{i}_query_value_units": " ".join(map(str, layer)) for i, layer in enumerate(layers, start=1)},
                "parameters": sum(p.numel() for p in pipe.parameters()),
                "unexplained_means": f"{means:.3f}",
                "unexplained_deviations": f"{deviations:.3f}",
                "seconds": round(time.process_time() - began),
            }
        )
        print(rows[-1], file=sys.stderr, flush=True)
    _measure.write("narrow_sizes", rows)


if __name__ == "__main__":
    main()
