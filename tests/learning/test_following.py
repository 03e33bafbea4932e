"""A network that follows its teacher misses less of it, of voices that it never heard too; no label has a part in it."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch

pytest.importorskip("transformers")
from tests.models.test_narrow_whisper import FRONT, NARROW, teacher  # noqa: F401  # the fixture
from tests.tones import write_tones

from auricle import bundle as bundles
from auricle import recipe as recipes
from auricle.augments.speed import Speed
from auricle.errors import RequestError
from auricle.learning import experiment
from auricle.learning.following import Heard, Miss, follow, heard, played
from auricle.types import Task

RATE = 16_000


def voices(count, first=0):
    """Buzzes of other pitches and formants, 0.6 to 1.2 s."""
    made = []
    for i in range(first, first + count):
        draws = torch.Generator().manual_seed(i)
        pitch, formant, share = (torch.rand(3, generator=draws) * torch.tensor([150.0, 2000.0, 1.0])).tolist()
        at = torch.arange(int(RATE * (0.6 + 0.6 * share))) / RATE
        wave = sum(torch.sin(6.2832 * k * (90 + pitch) * at) / (1 + ((k * (90 + pitch) - 300 - formant) / 400) ** 2) for k in range(1, 20))
        made.append((0.1 * wave * (1 + torch.sin(6.2832 * (2 + 4 * share) * at))).float())
    return made


def solved(whole, waves, **sizes):
    """A narrow network as its parts were solved on some waves."""
    recipe = recipes.parse({"frontend": FRONT, "model": {"name": "narrow_whisper", **sizes}, "feed": {"seconds": 1.5}})
    torch.manual_seed(0)
    pipe = bundles.build(recipe, Task(("a", "b"))).eval()
    pipe.model.learn(whole, pipe.frontend, [pipe.frontend(wave[None], torch.tensor([len(wave)])) for wave in waves])
    return pipe


def missed(pipe, whole, waves, miss):
    with torch.no_grad():
        found = [heard(pipe, whole, [wave], fast=False) for wave in waves]
        return sum(float(miss(pipe.model(each.feature, each.frames)[0], each)) for each in found) / len(found)


def test_less_is_missed_of_voices_heard_and_unheard(teacher):  # noqa: F811
    whole = teacher[1].eval()
    waves, others = voices(24), voices(12, first=100)
    pipe = solved(whole, waves, **{**NARROW, "units": [16, 0]})
    miss = Miss([heard(pipe, whole, [wave], fast=False) for wave in waves])
    before = [missed(pipe, whole, some, miss) for some in (waves, others)]
    front = copy.deepcopy(pipe.frontend.state_dict())
    ticks = []
    follow(pipe, whole, waves, passes=30, seed=0, fast=False, tick=lambda: ticks.append(1))
    after = [missed(pipe, whole, some, miss) for some in (waves, others)]
    assert after[0] < 0.8 * before[0]
    assert after[1] < 0.8 * before[1]
    assert len(ticks) == 31 * 24
    for name, value in pipe.frontend.state_dict().items():
        torch.testing.assert_close(value, front[name], atol=0, rtol=0)


def test_clips_are_played_at_many_speeds_and_never_shorter_than_a_window():
    draws, wave = torch.Generator().manual_seed(0), voices(1)[0]
    lengths = [len(played(wave, Speed(RATE), draws, changed=0.5, least=400)) / len(wave) for _ in range(200)]
    assert 70 < lengths.count(1.0) < 130
    assert 0.86 < min(lengths) < 0.9
    assert 1.12 < max(lengths) < 1.18
    short = [len(played(wave[:440], Speed(RATE), draws, changed=1.0, least=400)) for _ in range(50)]
    assert min(short) == 400
    assert max(short) > 480


def test_the_same_seed_goes_the_same_way_and_another_another(teacher):  # noqa: F811
    whole, waves = teacher[1].eval(), voices(6)
    first = solved(whole, waves, **NARROW)
    ends = []
    for seed in (0, 0, 1):
        pipe = copy.deepcopy(first)
        follow(pipe, whole, waves, passes=2, seed=seed, fast=False)
        ends.append(torch.cat([p.detach().flatten() for p in pipe.model.parameters()]))
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_what_is_missed_is_a_share_of_the_variance_and_padding_has_no_say():
    states = torch.randn(8, 5, 30, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 10.0, 0.1, 3.0, 2.0])[:, None] + 7
    steps = torch.tensor([30, 25, 20, 18, 30, 12, 30, 9])
    none = torch.zeros(0)
    miss = Miss([Heard(none, none, states[i : i + 1], steps[i : i + 1]) for i in range(8)])
    whole = Heard(none, none, states, steps)
    assert float(miss(states, whole)) == 0
    beyond = torch.arange(30)[None, None] >= steps[:, None, None]
    assert float(miss(torch.where(beyond, torch.tensor(99.0), states), whole)) == 0
    inside = ~beyond[:, 0]
    rows = states.transpose(1, 2)[inside]
    constant = rows.mean(0)[None, :, None].expand_as(states)
    clips = torch.cat([torch.stack([x[:, :n].mean(1), x[:, :n].std(1, correction=0)]) for x, n in zip(states, steps, strict=True)])
    means, deviations = clips[::2], clips[1::2]
    of_means = ((means - rows.mean(0)) / means.std(0, correction=0)).square().mean()
    of_deviations = (deviations / deviations.std(0, correction=0)).square().mean()
    torch.testing.assert_close(miss(constant, whole), 1 + (of_means + of_deviations) / 2, atol=1e-3, rtol=1e-4)


def probed(corpus, source, passes, turn=0):
    """A probe upon the network, the ticks of its bars, and how many clips train; their labels turned by so many places."""
    model = {"name": "narrow_whisper", "source": source, **NARROW}
    transfer = {"probe": "linear", "passes": passes}
    recipe = recipes.parse(
        {"frontend": FRONT, "model": model, "transfer": transfer, "feed": {"seconds": 0.5}, "train": {"progress": False}}
    )
    ready = experiment.prepare(str(corpus), recipe, bar=lambda title, total: lambda: None)
    labels = ready.corpus.task.labels
    turned = tuple(replace(item, target=(labels[(labels.index(item.target[0]) + turn) % len(labels)],)) for item in ready.division.train)
    ready = replace(ready, division=replace(ready.division, train=turned))
    bars = {}
    made = experiment.probed(ready, bar=lambda title, total: lambda: bars.update({title: bars.get(title, 0) + 1}))
    assert made.card["selection"].startswith(f"{passes} passes behind the teacher" if passes else "frozen network")
    return made.pipe.state_dict(), bars, len(turned)


def test_a_recipe_asks_for_passes_and_labels_have_no_part_in_them(teacher, tmp_path):  # noqa: F811
    corpus = write_tones(tmp_path / "tones", clips=6)
    without, bars, clips = probed(corpus, teacher[0], 0)
    assert bars == {"embedding": clips}
    made, bars, clips = probed(corpus, teacher[0], 3)
    assert bars == {"following the teacher": 4 * clips, "embedding": clips}
    moved = {name for name, value in made.items() if not torch.equal(value, without[name])}
    assert {"model.first.0.weight", "model.layers.1.out.weight"} <= moved
    assert not any(name.startswith("frontend") for name in moved)
    other, _, _ = probed(corpus, teacher[0], 3, turn=1)
    assert {name for name, value in made.items() if not torch.equal(value, other[name])} == {"head.linear.weight", "head.linear.bias"}


@pytest.mark.parametrize(
    ("name", "said"), [("cnn", "is not solved from a teacher"), ("narrow_whisper", "names no teacher in model.source")]
)
def test_passes_where_there_is_no_teacher_are_refused(name, said):
    with pytest.raises(RequestError, match=rf"recipe.transfer.passes is 3; {name} {said}; wanted 0"):
        experiment.resolved(recipes.parse({"model": {"name": name}, "transfer": {"passes": 3}}))
