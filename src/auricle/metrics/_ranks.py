"""Figures that depend on the order of the scores only, by ranks over the positives: exact with ties, and fast.

A class with P positives among R clips needs one sort and P binary searches, instead of a curve with a point a clip. With weights (one
column a resample of the bootstrap) one pass sums the weight of every stretch between two neighbouring positives, for all resamples at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]


def average_precision(scores: Real, positive: NDArray[np.bool_]) -> float:
    """Mean, over the positives, of the precision among everything scored at least as high; equals the step-wise area under the curve.

    Args:
        scores: [R] of one class; only their order counts.
        positive: [R].

    Returns:
        0 to 1; NaN where there is no positive.
    """
    order, hits = np.sort(scores), np.sort(scores[positive])
    if not len(hits):
        return float("nan")
    above = len(order) - np.searchsorted(order, hits, "left")
    true_above = len(hits) - np.searchsorted(hits, hits, "left")
    return float(np.mean(true_above / above))


def area_under_curve(scores: Real, positive: NDArray[np.bool_]) -> float:
    """Chance that a positive is scored above a negative, ties counting one half.

    Args:
        scores: [R] of one class; only their order counts.
        positive: [R].

    Returns:
        0 to 1; NaN where there is no positive or no negative.
    """
    hits, rest = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(hits) or not len(rest):
        return float("nan")
    below = np.searchsorted(rest, hits, "left") + np.searchsorted(rest, hits, "right")
    return float(below.sum() / 2 / (len(hits) * len(rest)))


def resampled_average_precision(scores: Real, positive: NDArray[np.bool_], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """`average_precision` of each resample.

    Args:
        scores: [R] of one class.
        positive: [R].
        weights: [R, B] how often each clip was drawn in each resample.

    Returns:
        [B]; NaN where a resample holds no positive.
    """
    _, all_at, true_above, true_at = stretches(scores, positive, weights)
    total = true_at.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(all_at > 0, true_above / all_at, 0.0)
        return np.asarray((true_at * precision).sum(axis=0) / total)


def resampled_area_under_curve(scores: Real, positive: NDArray[np.bool_], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """`area_under_curve` of each resample.

    Args:
        scores: [R] of one class.
        positive: [R].
        weights: [R, B] how often each clip was drawn in each resample.

    Returns:
        [B]; NaN where a resample holds no positive or no negative.
    """
    all_before, all_at, true_above, true_at = stretches(scores, positive, weights)
    total = true_at.sum(axis=0)
    rest = weights.sum(axis=0, dtype=np.float64) - total
    false_before = all_before - (true_above - true_at)
    false_at = all_at - true_above
    below = rest - (false_before + false_at) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((true_at * below).sum(axis=0) / (total * rest))


def stretches(scores: Real, positive: NDArray[np.bool_], weights: NDArray[np.float32]) -> tuple[NDArray[np.float64], ...]:
    """Weights at the distinct scores of the positives, highest first.

    Args:
        scores: [R] of one class.
        positive: [R].
        weights: [R, B] how often each clip was drawn in each resample.

    Returns:
        Four times [J, B]: of all clips scored higher; of all scored at least so; of the positives scored at least so; of those exactly so.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, hits = -scores[order], positive[order]
    levels = np.unique(ranked[hits])
    if not len(levels):
        return (np.zeros((0, weights.shape[1])),) * 4
    first, last = np.searchsorted(ranked, levels, "left"), np.searchsorted(ranked, levels, "right")
    edges = np.unique(np.concatenate([[0], first, last]))
    sums = np.add.reduceat(weights[order[: last[-1]]], edges[:-1], axis=0).astype(np.float64)
    reached = np.concatenate([np.zeros((1, weights.shape[1])), np.cumsum(sums, axis=0)])
    starts = np.searchsorted(ranked[hits], levels, "left")
    true_at = np.add.reduceat(weights[order[hits]], starts, axis=0).astype(np.float64)
    return reached[np.searchsorted(edges, first)], reached[np.searchsorted(edges, last)], np.cumsum(true_at, axis=0), true_at
