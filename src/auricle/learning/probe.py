"""A classifier upon a frozen network: embeddings once a clip, regularisation chosen within the training groups, an ordinary head.

What is fitted is what a run would have trained: the weights of the head's last layer, a hidden layer before it, or the clips that a head
of nearest neighbours knows. Everything behind is as for any run. Each choice is made by the mean log-likelihood of training clips that
were left out by whole groups; the clips that judge have no say.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from auricle import bundle as bundles
from auricle import catalog, pretrained
from auricle.errors import RequestError
from auricle.feed import Feed, rng
from auricle.learning.embeddings import embeddings, weights
from auricle.learning.oversample import oversample
from auricle.pipe import Pipe
from auricle.recipe import Recipe
from auricle.types import Item, Spec, Task

# What is chosen, and among which values: the penalty is on the squared weights, in units of one clip's log-likelihood.
_SETTINGS: dict[str, tuple[str, tuple[float, ...]]] = {
    "linear": ("penalty", (1000.0, 100.0, 10.0, 1.0, 0.1)),
    "mlp": ("weight decay", (10.0, 1.0, 0.1)),
    "knn": ("neighbours", (1, 3, 5, 9, 15)),
}
_HEADS = {"mlp": "mlp_pool", "knn": "knn"}
_PARTS = 5
_ITERATIONS = 300
_UNITS = 256  # of the hidden layer
_STEPS = 200  # of its training, all clips at once
_RATE = 3e-3
_DIGITS = 1e-5  # of a feature's size: what changes less is rounding
_LEAST = 1e-6  # odds of a class that was never seen


@dataclass(frozen=True, slots=True)
class Clips:
    """Embeddings of clips and what is true of them.

    Args:
        rows: [R, E] of each passage.
        weight: [R] share of its clip.
        target: [R, K] 0 or 1.
        group: [R] what must not be parted.
    """

    rows: NDArray[np.float32]
    weight: NDArray[np.float64]
    target: NDArray[np.float32]
    group: NDArray[np.str_]

    def part(self, chosen: NDArray[np.intp]) -> Clips:
        """Some of the rows.

        Args:
            chosen: [Q] places.

        Returns:
            Those.
        """
        return Clips(self.rows[chosen], self.weight[chosen], self.target[chosen], self.group[chosen])


def resolved(recipe: Recipe) -> Recipe:
    """The recipe that a probe follows: front end, model and sample rate of the weights that it names, no augmentation.

    Args:
        recipe: with `transfer.probe` set, or not.

    Returns:
        The same where there is no probe.

    Raises:
        RequestError: settings that don't go together with a probe.
    """
    probe = recipe.transfer.probe
    if not probe:
        if recipe.transfer.oversample:
            raise RequestError(
                "recipe.transfer.oversample makes embeddings of rare classes, and recipe.transfer.probe, which uses them, is empty"
            )
        return recipe
    if probe != "linear":
        if recipe.head.name not in ("mean_pool", _HEADS[probe]):
            raise RequestError(f"recipe.head is {recipe.head.name}; the probe {probe!r} makes a head {_HEADS[probe]} of its own")
        recipe = dataclasses.replace(recipe, head=catalog.check("heads", Spec("mean_pool")))
    recipe = dataclasses.replace(recipe, augment=())
    if not recipe.transfer.weights:
        return recipe
    source = bundles.load(pretrained.locate(recipe.transfer.weights)).recipe
    return dataclasses.replace(recipe, sample_rate=source.sample_rate, frontend=source.frontend, model=source.model)


def fit(pipe: Pipe, feed: Feed, items: Sequence[Item], tick: Callable[[], object] | None = None) -> tuple[Pipe, Recipe, str]:
    """A pipe whose head is fitted to clips.

    Args:
        pipe: frozen; its front end and model are those of the answer.
        feed: reads the clips; its recipe names the probe.
        items: clips to fit to.
        tick: called after each clip, to move a progress bar.

    Returns:
        The pipe in evaluation mode, the recipe that builds it, and how the choice was made, in words.

    Raises:
        RequestError: a task or a head that a probe can't be fitted to.
    """
    recipe, task = feed.recipe, feed.task
    if task.kind not in ("single", "multi"):
        raise RequestError(f"the task is of the kind {task.kind!r}; a probe is fitted to one label a clip, or to several")
    if not hasattr(pipe.head, "embedding") or not isinstance(getattr(pipe.head, "linear", None), nn.Linear):
        raise RequestError(f"recipe.head is {recipe.head.name}, which has no embedding and linear layer that a probe could be fitted to")
    clips = _clips(pipe, feed, items, tick)
    torch.manual_seed(rng(recipe.seed, "probe").initial_seed())
    probe = recipe.transfer.probe
    best, tried = _chosen(clips, recipe, task)
    fitted = _fitted(clips, recipe, task, best)
    spec = recipe.head
    if isinstance(fitted, nn.Linear):
        pipe.head.linear = fitted
    else:
        spec = catalog.check("heads", _spec(clips, probe, task, best))
        pipe = Pipe(pipe.frontend, pipe.model, fitted)
    more = f"rare classes oversampled by {recipe.transfer.oversample}, " if recipe.transfer.oversample else ""
    said = f"frozen network, {probe} probe, {more}{_SETTINGS[probe][0]} {best:g} chosen among {tried} within the training groups"
    return pipe.eval(), dataclasses.replace(recipe, head=spec), said


def trial(pipe: Pipe, feed: Feed, items: Sequence[Item], tick: Callable[[], object] | None = None) -> float:
    """How well a probe does on clips that it was not fitted to.

    Args:
        pipe: frozen, and left as it is.
        feed: reads the clips; its recipe names the probe, its task has one label a clip.
        items: training clips.
        tick: called after each clip, to move a progress bar.

    Returns:
        Share of the clips named right while their groups were left out, the setting chosen on the same parts; 0 where there are too few
        groups to leave any out.
    """
    clips = _clips(pipe, feed, items, tick)
    torch.manual_seed(rng(feed.recipe.seed, "probe").initial_seed())
    best, _ = _chosen(clips, feed.recipe, feed.task)
    right = 0.0
    for rest, out in _parts(clips, feed.recipe.seed):
        held = clips.part(out)
        named = _logits(_fitted(clips.part(rest), feed.recipe, feed.task, best), held).argmax(-1).numpy()
        right += float(held.weight[named == held.target.argmax(1)].sum())
    return right / float(clips.weight.sum())


def _clips(pipe: Pipe, feed: Feed, items: Sequence[Item], tick: Callable[[], object] | None) -> Clips:
    found = embeddings(pipe, feed, items, tick)
    counts = [len(rows) for rows in found]
    target = feed.targets(items)
    if feed.task.kind == "single":
        target = nn.functional.one_hot(target, len(feed.task.labels)).float()
    group = np.array([item.group or f"{item.path}" for item in items])
    return Clips(
        np.concatenate(found),
        np.concatenate(weights(pipe, feed, items)),
        np.repeat(target.numpy(), counts, axis=0),
        np.repeat(group, counts),
    )


def _chosen(clips: Clips, recipe: Recipe, task: Task) -> tuple[float, int]:
    """The setting whose answers on groups left out are the likeliest, and how many were tried."""
    settings = _SETTINGS[recipe.transfer.probe][1]
    parts = list(_parts(clips, recipe.seed))
    if not parts:
        return settings[len(settings) // 2], 1
    scores = []
    for setting in settings:
        heard = [(_fitted(clips.part(rest), recipe, task, setting), clips.part(out)) for rest, out in parts]
        scores.append(sum(_likelihood(classifier, held, task) for classifier, held in heard))
    return settings[int(np.argmax(scores))], len(settings)


def _parts(clips: Clips, seed: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Training rows parted by whole groups, classes as evenly as groups allow; none where there are too few groups."""
    from sklearn.model_selection import StratifiedGroupKFold

    classes = clips.target.argmax(1)
    count = min(_PARTS, len(np.unique(clips.group)), int(np.bincount(classes).max()))  # no class may be parted into more than it has rows
    if count < 2:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class of few clips is missing in some part
        yield from StratifiedGroupKFold(count, shuffle=True, random_state=seed).split(clips.rows, classes, clips.group)


@torch.no_grad()
def _logits(classifier: nn.Module, clips: Clips) -> Tensor:
    """[R, K] of each row; a head that pools by the mean answers to an embedding as to a clip of one step."""
    rows = torch.from_numpy(clips.rows)
    found: Tensor = (
        classifier(rows) if isinstance(classifier, nn.Linear) else classifier(rows[..., None], torch.ones(len(rows), dtype=torch.int64))
    )
    return found


def _likelihood(classifier: nn.Module, clips: Clips, task: Task) -> float:
    logits, target = _logits(classifier, clips), torch.from_numpy(clips.target)
    if task.kind == "single":
        likely = (logits.log_softmax(-1) * target).sum(-1)
    else:
        likely = -nn.functional.softplus(torch.where(target > 0, -logits, logits)).sum(-1)
    return float((likely.double() * torch.from_numpy(clips.weight)).sum())


def _fitted(clips: Clips, recipe: Recipe, task: Task, setting: float) -> nn.Module:
    """From embeddings [R, E] to logits [R, K]."""
    clips = _evened(clips, recipe, task)
    if recipe.transfer.probe == "linear":
        return _linear(clips, setting, task, balanced=recipe.train.sampler == "balanced")
    head: Any = catalog.make("heads", _spec(clips, recipe.transfer.probe, task, setting), clips.rows.shape[1], len(task.labels))
    if recipe.transfer.probe == "knn":
        head.learn(torch.from_numpy(clips.rows), torch.from_numpy(clips.target))
    else:
        _train(head, clips, setting, task)
    return head.eval()  # type: ignore[no-any-return]


def _evened(clips: Clips, recipe: Recipe, task: Task) -> Clips:
    """With rows of rare classes added where the recipe asks for it; they belong to no group, and weigh as the others do on average."""
    how = recipe.transfer.oversample
    if not how:
        return clips
    if task.kind != "single":
        raise RequestError(f"recipe.transfer.oversample is {how!r}, which is for clips with one label each; this is a {task.kind} task")
    rows, truth = oversample(clips.rows, clips.target.argmax(1), how, seed=recipe.seed)
    added = len(rows) - len(clips.rows)
    weight = np.concatenate([clips.weight, np.full(added, clips.weight.mean())])
    return Clips(rows, weight, np.eye(clips.target.shape[1], dtype=np.float32)[truth], np.concatenate([clips.group, np.full(added, "")]))


def _spec(clips: Clips, probe: str, task: Task, setting: float) -> Spec:
    if probe == "mlp":
        return Spec("mlp_pool", {"hidden": _UNITS})
    return Spec("knn", {"neighbours": int(setting), "known": len(clips.rows), "independent": task.kind == "multi"})


def _scale(clips: Clips) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and deviation of each feature; one that changes by no more than its last digits is left as it is."""
    centre, spread = clips.rows.mean(0, dtype=np.float64), clips.rows.std(0, dtype=np.float64)
    return centre, np.where(spread > _DIGITS * np.abs(centre), spread, 1.0)


def _linear(clips: Clips, penalty: float, task: Task, *, balanced: bool) -> nn.Linear:
    """Logistic regression on embeddings of mean 0 and variance 1, which then go into its weights."""
    from sklearn.linear_model import LogisticRegression

    centre, spread = _scale(clips)
    rows = ((clips.rows - centre) / spread).astype(np.float32)
    classes = clips.target.shape[1]
    weight, bias = np.zeros((classes, rows.shape[1])), np.full(classes, np.log(_LEAST))

    def regression(truth: NDArray[np.integer]) -> LogisticRegression:
        made = LogisticRegression(C=1 / penalty, max_iter=_ITERATIONS, class_weight="balanced" if balanced else None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what has not converged by then changes in digits that no score shows
            return made.fit(rows, truth, sample_weight=clips.weight)

    if task.kind == "multi":
        for k in range(classes):
            truth = clips.target[:, k].astype(int)
            if truth.min() != truth.max():
                found = regression(truth)
                weight[k], bias[k] = found.coef_[0], found.intercept_[0]
            elif truth.any():
                bias[k] = -np.log(_LEAST)
    elif len(present := np.unique(clips.target.argmax(1))) == 1:
        bias[present[0]] = 0.0
    else:
        found = regression(clips.target.argmax(1))
        two = len(present) == 2  # one row of weights tells two classes apart
        weight[present] = np.concatenate([-found.coef_ / 2, found.coef_ / 2]) if two else found.coef_
        bias[present] = np.concatenate([-found.intercept_ / 2, found.intercept_ / 2]) if two else found.intercept_
    layer = nn.Linear(rows.shape[1], classes)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight / spread))
        layer.bias.copy_(torch.from_numpy(bias - (weight / spread) @ centre))
    return layer


def _train(head: Any, clips: Clips, decay: float, task: Task) -> None:
    """A hidden layer and a linear one, trained on all clips at once; the scale of the embeddings goes into its weights."""
    centre, spread = (torch.from_numpy(each.astype(np.float32)) for each in _scale(clips))
    rows, target = (torch.from_numpy(clips.rows) - centre) / spread, torch.from_numpy(clips.target)
    weight = torch.from_numpy(clips.weight / clips.weight.sum()).float()
    optimizer = torch.optim.AdamW(head.parameters(), lr=_RATE, weight_decay=decay)
    head.train()
    for step in range(_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1 + np.cos(np.pi * step / _STEPS)) / 2
        logits = head.linear(head.embed(rows))
        if task.kind == "single":
            each = -(logits.log_softmax(-1) * target).sum(-1)
        else:
            each = nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(-1)
        optimizer.zero_grad()
        (each * weight).sum().backward()
        optimizer.step()
    first = head.embed[0]
    with torch.no_grad():
        first.weight.div_(spread)
        first.bias.sub_(first.weight @ centre)
