"""What a narrow Whisper misses of its teacher when its parts were solved one after the other, and when all then follow it together.

The sizes of the recipe emotion_student on nine of EmoDB's speakers, as `narrow_sizes.py` tells it of the tenth, and here of the nine too:
the share of variance not explained in the means and deviations that a classifier hears. Only sound has a say, no label.
Needs $AURICLE_DATA and `auricle download whisper.tiny_en_2 --from FILE`.
"""

from __future__ import annotations

import copy
import sys
import time

import torch
from torch import Tensor

import _measure
from auricle import bundle, pretrained, recipe
from auricle.learning import experiment
from auricle.learning.devices import precision
from auricle.learning.following import follow, heard
from auricle.pipe import Pipe
from narrow_sizes import UNHEARD, pooled, unexplained

WAYS = ((0, 0.0), (10, 0.0), (10, 0.8))  # passes, and share of the clips at another speed


def missed(pipe: Pipe, teacher: Pipe, waves: list[Tensor], train: int) -> dict[str, str]:
    """The four shares."""
    own, whole = [], []
    with torch.no_grad():
        for wave in waves:
            of = heard(pipe, teacher, [wave], fast=False)
            own.append(pipe.model(of.feature, of.frames)[0][..., : int(of.steps)])
            whole.append(of.states[..., : int(of.steps)])
    one, other = pooled(own), pooled(whole)
    told = {}
    for name, rows in (("heard", slice(train)), ("unheard", slice(train, None))):
        means, deviations = unexplained(torch.cat([one[:train], one[rows]]), torch.cat([other[:train], other[rows]]), train)
        told |= {f"{name}_means": f"{means:.3f}", f"{name}_deviations": f"{deviations:.3f}"}
    return told


def main() -> None:
    """Measures and writes."""
    torch.set_num_threads(1)
    teacher = bundle.load(pretrained.locate("whisper.tiny_en_2")).pipe.eval()
    chosen = recipe.read("emotion_student", (f'split={{rule="group", test="{UNHEARD}", dev_fraction=0.0}}',))
    prepared = experiment.prepare("emodb", experiment.resolved(chosen), bar=lambda *_: lambda: None)
    train = prepared.division.train
    waves = [torch.from_numpy(prepared.feed.wave(item)) for item in (*train, *prepared.division.test)]
    solved = bundle.build(prepared.recipe, prepared.corpus.task).eval()
    heard_first = waves[: len(train)]
    solved.model.learn(teacher, solved.frontend, (solved.frontend(wave[None], torch.tensor([len(wave)])) for wave in heard_first))
    rows: list[dict[str, object]] = []
    for passes, changed in WAYS:
        pipe = copy.deepcopy(solved)
        began = time.process_time()
        fast = precision(prepared.recipe) != "32-true"
        if passes:
            follow(pipe, teacher, heard_first, passes=passes, seed=0, fast=fast, changed=changed)
        seconds = round(time.process_time() - began)
        rows.append({"passes": passes, "changed": changed, **missed(pipe, teacher, waves, len(train)), "seconds": seconds})
        print(rows[-1], file=sys.stderr, flush=True)
    _measure.write("following", rows)


if __name__ == "__main__":
    main()
