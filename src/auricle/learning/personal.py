"""A last layer adapted to a user's few clips, or given new classes, while the old ones are watched. numpy and scipy, no torch.

The network stays as it is; a clip is what its last layer hears of it. A label that the layer knows moves its row, a new one gets a row of
its own, which begins as the mean of the old rows: a class without an opinion. Rows of labels without clips stay as they are, so that an
old class can only be outbid. How far rows go from where they begin is held by a pull. Where clips of the old classes tell what is
forgotten, the weakest of `PULLS` that keeps them is taken; where none do, the strongest that learns the user's clips.

* `head`: multinomial logistic regression of these rows, every label weighing alike, clips of the old classes rehearsed where there are any;
  half the pull times the squared way of each row, in units of how far old rows lie apart, is the penalty (Li et al. 2018, L2-SP).
* `prototypes`: the mean clip of a label (Snell et al. 2017), each feature weighing as it does in the old rows, becomes its row, scaled to
  the usual length of the old ones (Qi et al. 2018, weight imprinting), its bias such that the mean clip is named with a margin. A known
  label's row moves along the mean clip no further than that margin takes (Crammer et al. 2006). Of either way 1 / (1 + pull / 70) is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.floating]
Whole = NDArray[np.int64]
How = Literal["head", "prototypes"]

PULLS = (0.2, 0.7, 2.0, 7.0, 20.0, 70.0)
_PARTS = 5
_HALF = 70.0  # the pull at which half of a prototype's way is gone
_MARGIN = 2.0  # of a prototype's logit over all others together
_ITERATIONS = 1000
_FLOOR = 1e-3  # of the mean square: a feature that all rows weigh alike may still tell a new class
_LEAST = 0.75  # of a label's own clips that a layer must name to have learnt it


@dataclass(frozen=True, slots=True)
class Layer:
    """A last layer in units of calibrated logits.

    Args:
        weight: [K, D] rows.
        bias: [K].
    """

    weight: Reals
    bias: Reals

    @property
    def usual(self) -> float:
        """The mean length of a row, seen from the mean row; 1 where all are alike."""
        return float(np.linalg.norm(self.weight - self.weight.mean(0), axis=1).mean()) or 1.0

    @property
    def spread(self) -> Reals:
        """[D] how far rows differ in each feature, which is how much that feature tells; the usual length shared out over features."""
        square = np.square(self.weight - self.weight.mean(0)).mean(0)
        square = square + _FLOOR * square.mean()
        return np.asarray(self.usual * np.sqrt(square / square.sum())) if square.any() else np.ones_like(square)

    def answers(self, rows: Reals) -> Reals:
        """Calibrated probabilities of single passages.

        Args:
            rows: [R, D] as the layer hears them.

        Returns:
            [R, K] probabilities.
        """
        return _softmax(rows @ self.weight.T + self.bias)

    def named(self, heard: Heard) -> Whole:
        """The most probable class of each clip, its passages averaged by length.

        Args:
            heard: clips.

        Returns:
            [C] class numbers.
        """
        total = np.zeros((len(heard.truth), len(self.bias)))
        np.add.at(total, heard.clip, heard.share[:, None] * self.answers(heard.rows))
        return np.asarray(total.argmax(1))


@dataclass(frozen=True, slots=True)
class Heard:
    """Clips as the last layer hears them.

    Args:
        rows: [R, D] one for each passage.
        share: [R] of its clip.
        clip: [R] number of its clip.
        truth: [C] class number of each clip.
        group: [C] number of what belongs together, such as a recording.
    """

    rows: Reals
    share: Reals
    clip: Whole
    truth: Whole
    group: Whole

    def part(self, chosen: NDArray[np.bool_]) -> Heard:
        """Some of the clips.

        Args:
            chosen: [C] which.

        Returns:
            Those, numbered anew.
        """
        rows = chosen[self.clip]
        number = np.cumsum(chosen) - 1
        return Heard(self.rows[rows], self.share[rows], number[self.clip[rows]], self.truth[chosen], self.group[chosen])


@dataclass(frozen=True, slots=True)
class Personal:
    """A layer that was found.

    Args:
        layer: with a row for each new class behind the old ones.
        pull: towards where the rows began.
        before: share of the clips of the old classes that the old layer names rightly; NaN where there are none.
        after: the same with the new layer, each clip left out of what was rehearsed when it was judged; NaN likewise.
        own: [C] whether each clip learnt from is named rightly now.
        apart: [C] whether it is when it is left out: 1, 0, or -1 for a label of one clip, which can't be.
        moved: the longest way of an old row, as a share of the old rows' usual length about their mean.
    """

    layer: Layer
    pull: float
    before: float
    after: float
    own: NDArray[np.bool_]
    apart: Whole
    moved: float

    def suffices(self, truth: Whole, most_forgotten: float) -> bool:
        """Whether the old classes are kept and every label is learnt.

        Args:
            truth: [C] class numbers of the clips learnt from.
            most_forgotten: by how much the share may fall.

        Returns:
            True where no clips of the old classes say otherwise.
        """
        return not self.before - self.after > most_forgotten + 1e-9 and self.learnt(truth)

    def learnt(self, truth: Whole) -> bool:
        """Whether at least three quarters of each label's own clips are named rightly.

        Args:
            truth: [C] class numbers of the clips learnt from.

        Returns:
            Whether.
        """
        return all(self.own[truth == k].mean() >= _LEAST for k in np.unique(truth))


def personal(old: Layer, mine: Heard, kept: Heard | None, *, how: How, most_forgotten: float = 0.02) -> tuple[Personal, bool]:
    """The layer with the pull that suits the clips, or what was tried last.

    Args:
        old: the layer as it is, K classes.
        mine: the user's clips; classes from K on are new.
        kept: clips of old classes, or None.
        how: which method.
        most_forgotten: by how much the share of rightly named kept clips may fall.

    Returns:
        What was found, and whether it suffices.
    """
    for pull in PULLS if kept is not None else reversed(PULLS):
        found = _tried(old, mine, kept, how=how, pull=pull)
        if found.suffices(mine.truth, most_forgotten):
            return found, True
        if kept is not None and not found.learnt(mine.truth):
            break  # a stronger pull learns even less
    return found, False


def fitted(old: Layer, mine: Heard, kept: Heard | None, *, how: How, pull: float) -> Layer:
    """A layer with one pull.

    Args:
        old: the layer as it is, K classes.
        mine: the user's clips; classes from K on are new.
        kept: clips of old classes, or None; prototypes don't use them.
        how: which method.
        pull: above 0.

    Returns:
        The layer, a row for each new class behind the old ones.
    """
    more = max(0, int(mine.truth.max(initial=0)) + 1 - len(old.bias))
    begin = Layer(
        np.vstack([old.weight, np.repeat(old.weight.mean(0, keepdims=True), more, axis=0)]).astype(np.float64),
        np.concatenate([old.bias, np.full(more, old.bias.mean())]).astype(np.float64),
    )
    return _head(begin, mine, kept, pull=pull, spread=old.spread) if how == "head" else _prototypes(begin, mine, old=old, pull=pull)


def _tried(old: Layer, mine: Heard, kept: Heard | None, *, how: How, pull: float) -> Personal:
    layer = fitted(old, mine, kept, how=how, pull=pull)
    fit = partial(fitted, old, how=how, pull=pull)
    apart = _left_out(mine, _places(mine.truth), lambda rest: fit(mine.part(rest), kept))
    before = after = float("nan")
    if kept is not None:
        before = float((old.named(kept) == kept.truth).mean())
        parts = kept.group % _PARTS if how == "head" else np.zeros_like(kept.group)
        right = _left_out(kept, parts, lambda rest: fit(mine, kept.part(rest) if rest.any() else None))
        after = float((right == 1).mean())
    way = np.linalg.norm(layer.weight[: len(old.bias)] - old.weight, axis=1).max()
    return Personal(layer, pull, before, after, layer.named(mine) == mine.truth, apart, float(way / old.usual))


def _places(truth: Whole) -> Whole:
    """[C] part in which a clip is left out: the label's clips in turn, -1 for a label of one clip."""
    parts = np.full(len(truth), -1)
    for k in np.unique(truth):
        own = np.flatnonzero(truth == k)
        if len(own) > 1:
            parts[own] = np.arange(len(own)) % _PARTS
    return parts


def _left_out(heard: Heard, parts: Whole, fit: Callable[[NDArray[np.bool_]], Layer]) -> Whole:
    """[C] 1 where a clip is named rightly by the layer that was fitted without its part, 0 where not, -1 where it is in none."""
    right = np.full(len(parts), -1)
    for part in np.unique(parts[parts >= 0]):
        out = parts == part
        held = heard.part(out)
        right[out] = fit(~out).named(held) == held.truth
    return right


def _weighed(heard: Heard) -> Reals:
    """[R] weights of passages: each label 1 in all, however many clips it has."""
    counts = np.bincount(heard.truth)
    return np.asarray(heard.share / counts[heard.truth[heard.clip]])


def _head(begin: Layer, mine: Heard, kept: Heard | None, *, pull: float, spread: Reals) -> Layer:
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    parts = [mine] if kept is None else [mine, kept]
    rows = np.concatenate([each.rows for each in parts]).astype(np.float64)
    shares = np.concatenate([_weighed(each) for each in parts])
    truth = np.eye(len(begin.bias))[np.concatenate([each.truth[each.clip] for each in parts])]
    # A feature's way is measured by how far the old rows differ in it; the bias is one more feature, of the usual size of a clip.
    scale = spread * np.sqrt(len(spread))
    centre = np.average(kept.rows, axis=0, weights=_weighed(kept)) if kept is not None else np.zeros(len(spread))
    rows = (rows - centre) * scale
    size = float(np.sqrt(np.average(np.square(rows).sum(1), weights=shares))) or 1.0
    rows = np.hstack([rows, np.full((len(rows), 1), size)])
    start = np.hstack([begin.weight / scale, (begin.bias + begin.weight @ centre)[:, None] / size])
    own = np.unique(mine.truth)

    def moved(flat: Reals) -> Reals:
        now = start.copy()
        now[own] = flat.reshape(len(own), -1)
        return now

    def loss(flat: Reals) -> tuple[float, Reals]:
        logits = rows @ moved(flat).T
        log = np.logaddexp.reduce(logits, axis=1)
        way = flat - start[own].ravel()
        slope = ((_softmax(logits) - truth) * shares[:, None]).T[own] @ rows
        return float(shares @ (log - (truth * logits).sum(1)) + pull * (way @ way) / 2), slope.ravel() + pull * way

    found = minimize(loss, start[own].ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS}).x.reshape(len(own), -1)
    weight, bias = begin.weight.copy(), begin.bias.copy()
    weight[own] = found[:, :-1] * scale
    bias[own] = found[:, -1] * size - weight[own] @ centre
    return Layer(weight, bias)


def _prototypes(begin: Layer, mine: Heard, *, old: Layer, pull: float) -> Layer:
    weight, bias = begin.weight.copy(), begin.bias.copy()
    centre, gone = old.weight.mean(0), 1 / (1 + pull / _HALF)
    shares = _weighed(mine)
    for k in np.unique(mine.truth):
        own = mine.truth[mine.clip] == k
        mean = shares[own] @ mine.rows[own].astype(np.float64)
        told = old.spread**2 * mean  # the mean clip, each feature weighing as it does in the old rows
        others = np.delete(old.weight @ mean + old.bias, k) if k < len(old.bias) else old.weight @ mean + old.bias
        wanted = float(np.logaddexp.reduce(others)) + _MARGIN
        if k < len(old.bias):
            weight[k] += gone * max(0.0, wanted - float(weight[k] @ mean + bias[k])) * told / max(float(told @ mean), 1e-12)
        else:
            row = centre + old.usual * told / max(float(np.linalg.norm(told)), 1e-12)
            weight[k] += gone * (row - weight[k])
            bias[k] += gone * (wanted - float(row @ mean) - bias[k])
    return replace(begin, weight=weight, bias=bias)


def _softmax(logits: Reals) -> Reals:
    likely = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(likely / likely.sum(-1, keepdims=True))
