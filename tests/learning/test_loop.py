"""The loop: chance, decay, averaging, clipping, stopping early, budgets, disks that fill up."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.learning.test_checkpoint import no_file_beyond

from auricle.errors import AuricleError
from auricle.learning import checkpoint, experiment
from auricle.learning.experiment import Prepared
from auricle.learning.loop import Training
from auricle.learning.score import score
from auricle.pipe import Pipe

Prepare = Callable[..., Prepared]


def _quiet(at: Any, loss: float) -> None:
    pass


def _trained(prepared: Prepared, folder: Path) -> Pipe:
    return experiment.training(prepared).run(folder, _quiet)


def _same(one: Pipe, two: Pipe) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))


def _reseeded(prepared: Prepared, seed: int) -> Prepared:
    recipe = dataclasses.replace(prepared.recipe, seed=seed)
    feed = copy.copy(prepared.feed)
    feed.settle(recipe)
    return dataclasses.replace(prepared, recipe=recipe, feed=feed)


def test_same_seed_same_bits_whatever_the_workers(tmp_path: Path, prepare: Prepare) -> None:
    one = _trained(prepare(epochs=2, workers=1), tmp_path / "a")
    torch.rand(7)  # the global random state has no say
    assert _same(one, _trained(prepare(epochs=2, workers=4), tmp_path / "b"))
    assert not _same(one, _trained(_reseeded(prepare(epochs=2), 1), tmp_path / "c"))


@pytest.mark.parametrize("what", ["start", "order", "dropout", "augment"])
def test_seed_reaches_everything_drawn(tmp_path: Path, prepare: Prepare, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """With everything else at the same seed, another seed for one of them alone changes the weights."""
    from auricle.learning import loop

    ready = prepare(epochs=1, ema=0.0)
    one = _trained(ready, tmp_path / "a")
    other, kept = _reseeded(ready, 1), loop.rng
    if what == "start":
        run = experiment.training(other)
        run = _with_pipe(ready, run.objective.pipe)
    else:
        run = experiment.training(ready)
    if what == "order":
        run.feed = other.feed
    if what in ("dropout", "augment"):
        monkeypatch.setattr(loop, "rng", lambda *key: kept(*key, 1) if key[-1] == what else kept(*key))
    assert not _same(one, run.run(tmp_path / "b", _quiet))


def _with_pipe(ready: Prepared, pipe: Pipe) -> Training:
    return Training(pipe, ready.feed, ready.division.train, ready.division.dev)


def test_only_matrices_decay_and_only_those_that_learn(prepare: Prepare) -> None:
    run = experiment.training(prepare(lr=0.1, weight_decay=0.5, warmup=0.0, ema=0.0))
    pipe = run.objective.pipe
    idle = torch.nn.Linear(3, 3)
    pipe.model.idle = idle
    kept = copy.deepcopy(idle.state_dict())
    run.optimizer.add_param_group({"params": list(idle.parameters()), "weight_decay": 0.5})
    decayed = {id(p): group["weight_decay"] for group in run.optimizer.param_groups for p in group["params"]}
    for name, parameter in pipe.named_parameters():
        assert decayed[id(parameter)] == (0.5 if parameter.ndim > 1 or name.startswith("model.idle") else 0.0), name
    before = {k: v.clone() for k, v in pipe.named_parameters()}
    for parameter in pipe.parameters():
        if parameter is not idle.weight and parameter is not idle.bias:
            parameter.grad = torch.zeros_like(parameter)
    for group in run.optimizer.param_groups:
        group["lr"] = 0.1
    run.optimizer.step()
    # A gradient of zero: AdamW's step is the decay alone, w (1 - lr·decay); what has no gradient stays.
    for name, parameter in pipe.named_parameters():
        factor = 1.0 if parameter.ndim == 1 or "idle" in name else 1 - 0.1 * 0.5
        torch.testing.assert_close(parameter.detach(), before[name] * factor, rtol=1e-6, atol=0.0)
    assert all(torch.equal(idle.state_dict()[k], v) for k, v in kept.items())


def test_average_follows_as_defined(tmp_path: Path, prepare: Prepare) -> None:
    run = experiment.training(prepare(epochs=2, ema=0.8))
    mean = {k: v.double().clone() for k, v in run.objective.pipe.state_dict().items() if v.is_floating_point()}
    steps = 0

    def follow(at: Any, loss: float) -> None:
        nonlocal steps
        decay = min(0.8, (1 + steps) / (10 + steps))
        for k, v in run.objective.pipe.state_dict().items():
            if k in mean:
                mean[k] = decay * mean[k] + (1 - decay) * v.double()
        steps += 1

    kept = run.run(tmp_path, follow).state_dict()
    assert steps == 2 * run.steps
    for k, v in mean.items():
        torch.testing.assert_close(kept[k].double(), v, rtol=1e-4, atol=1e-6)
    assert any(not torch.equal(kept[k], v) for k, v in run.objective.pipe.state_dict().items())


def test_even_average_is_the_mean_of_the_last_epochs(tmp_path: Path, prepare: Prepare) -> None:
    """Of five epochs those that end behind the first 40 % of the steps; until then it is the weights themselves."""
    run = experiment.training(prepare(epochs=5, swa=0.4, ema=0.0))
    ends: list[dict[str, torch.Tensor]] = []

    def gather(at: Any, loss: float) -> None:
        if at.step == run.steps:
            ends.append({k: v.double().clone() for k, v in run.objective.pipe.state_dict().items() if v.is_floating_point()})

    kept = run.run(tmp_path, gather).state_dict()
    assert len(ends) == 5
    for k, last in ends[-1].items():
        wanted = (ends[2][k] + ends[3][k] + last) / 3
        torch.testing.assert_close(kept[k].double(), wanted, rtol=1e-5, atol=1e-6)
    assert run.at.averaged == 3


def test_a_plateau_of_the_development_loss_lowers_the_rate_as_torchs(
    tmp_path: Path, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = [0.9, 0.5, 0.7, 0.6, 0.8, 0.4, 0.45, 0.45, 0.41, 0.5]
    _says(iter(losses), monkeypatch)
    run = experiment.training(prepare(epochs=10, lr=0.1, warmup=0.0, schedule="plateau", decay=0.5, decay_epochs=2))
    run.run(tmp_path, _quiet)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2, threshold=0.0)
    wanted = []
    for loss in losses:
        wanted.append(optimizer.param_groups[0]["lr"])
        scheduler.step(loss)
    assert [row["lr"] for row in run.at.rows] == pytest.approx(wanted)
    assert wanted[-1] == 0.025


def test_gradient_is_clipped(prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, wanted in ((1e-3, True), (0.0, False)):
        run = experiment.training(prepare(clip_norm=limit))
        norms: list[float] = []

        def look(self: Any = run, norms: list[float] = norms) -> None:
            norms.append(float(torch.cat([p.grad.flatten() for p in self.objective.pipe.parameters() if p.grad is not None]).norm()))

        monkeypatch.setattr(run.fast, "step", look)
        run._step(next(iter(run.feed.batches(run.train, 0))))
        assert (norms[0] <= limit * 1.001) == wanted
        assert norms[0] > 0


def _says(losses: Iterator[float], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Let the development group say these losses; gives the weights that were judged."""
    from auricle.learning import objective

    seen: list[dict[str, Any]] = []

    class Said:
        def loss(self) -> float:
            return next(losses)

        def accuracy(self) -> float:
            return 0.5

    def judged(pipe: Pipe, feed: Any, items: Any) -> Said:
        seen.append(copy.deepcopy(pipe.state_dict()))
        return Said()

    monkeypatch.setattr(objective, "score", judged)
    return seen


def test_stops_early_and_keeps_the_best_epoch(tmp_path: Path, prepare: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = _says(iter([0.9, 0.5, 0.7, 0.6, 0.4, 0.3]), monkeypatch)
    run = experiment.training(prepare(epochs=6, patience=2))
    kept = run.run(tmp_path, _quiet).state_dict()
    assert [row["dev_loss"] for row in run.at.rows] == [0.9, 0.5, 0.7, 0.6]
    assert all(torch.equal(kept[k], v) for k, v in seen[1].items())
    assert not all(torch.equal(kept[k], v) for k, v in seen[3].items())


def test_log_tells_what_happened(tmp_path: Path, prepare: Prepare) -> None:
    ready = prepare(epochs=3, lr=0.01, warmup=1.0)
    run = experiment.training(ready)
    rows: list[tuple[int, float]] = []
    pipe = run.run(tmp_path, lambda at, loss: rows.append((at.epoch, loss)))
    assert [row["epoch"] for row in run.at.rows] == [0, 1, 2]
    for row in run.at.rows:
        losses = [loss for epoch, loss in rows if epoch == row["epoch"]]
        assert len(losses) == run.steps
        assert row["train_loss"] == pytest.approx(sum(losses) / len(losses))
        assert 0 <= row["data_seconds"] <= row["seconds"]
    assert run.at.rows[0]["lr"] == pytest.approx(0.01)
    last = score(pipe, ready.feed, ready.division.dev)
    assert run.at.rows[-1]["dev_loss"] == pytest.approx(last.loss())
    assert run.at.rows[-1]["dev_accuracy"] == last.accuracy()


def test_learns(tmp_path: Path, prepare: Prepare) -> None:
    ready = prepare(epochs=15, lr=0.01)
    scored = score(_trained(ready, tmp_path), ready.feed, ready.division.test)
    assert scored.accuracy() > 0.6  # chance is a third


def test_budget_is_kept_and_the_schedule_comes_to_its_end(tmp_path: Path, prepare: Prepare) -> None:
    run = experiment.training(prepare(epochs=100000, lr=0.01, warmup=1.0), budget=2.0)
    run.run(tmp_path, _quiet)
    assert 1.0 <= run.at.spent <= 3.0
    assert run.at.total < 100000 * run.steps
    assert run.optimizer.param_groups[0]["lr"] < 0.01 * 0.1
    assert max(row["lr"] for row in run.at.rows) > 0.005


def test_budget_never_lengthens_a_run(tmp_path: Path, prepare: Prepare) -> None:
    run = experiment.training(prepare(epochs=6), budget=600.0)
    run.run(tmp_path, _quiet)
    assert len(run.at.rows) == 6
    assert run.at.total == 6 * run.steps


def test_loss_that_is_no_number_stops_the_run_and_leaves_a_sound_checkpoint(tmp_path: Path, prepare: Prepare) -> None:
    run = experiment.training(prepare(epochs=3, ema=0.0))

    def spoil(at: Any, loss: float) -> None:
        if at.step == 2:
            run.objective.pipe.head.linear.weight.data.fill_(float("nan"))

    with pytest.raises(AuricleError, match="the loss is nan at step 2 of epoch 0"):
        run.run(tmp_path, spoil)
    tensors, _ = checkpoint.read(tmp_path)
    assert all(bool(v.isfinite().all()) for v in tensors.values())


def test_full_disk_costs_checkpoints_only(tmp_path: Path, prepare: Prepare) -> None:
    ready = prepare(epochs=3, checkpoint_minutes=0.0)
    run = experiment.training(ready)
    told: list[str] = []
    kept: list[int] = []

    def fill(at: Any, loss: float) -> None:
        told.append(run.unsaved)
        kept.append(checkpoint.read(tmp_path / "b")[1]["progress"]["step"])

    checkpoint.write(tmp_path / "b", *run._state())
    with no_file_beyond(1000):
        pipe = run.run(tmp_path / "b", fill)
    assert told[0] == ""
    assert set(told[1:]) == {f"no checkpoint could be written to {tmp_path / 'b'}: File too large"}
    assert set(kept) == {0}
    assert _same(pipe, _trained(ready, tmp_path / "a"))
    run.save(tmp_path / "b")  # there is room again
    assert run.unsaved == ""


def test_disk_full_from_the_beginning_is_said_at_once(tmp_path: Path, prepare: Prepare) -> None:
    with no_file_beyond(1000), pytest.raises(OSError, match="large"):
        experiment.training(prepare()).run(tmp_path, _quiet)


def test_mixed_precision_keeps_whole_weights(tmp_path: Path, prepare: Prepare) -> None:
    run = experiment.training(prepare(epochs=1, precision="bf16-mixed"))
    pipe = run.run(tmp_path, _quiet)
    assert all(v.dtype == torch.float32 and bool(v.isfinite().all()) for v in pipe.state_dict().values() if v.is_floating_point())
    assert not _same(pipe, _trained(prepare(epochs=1), tmp_path / "32"))
