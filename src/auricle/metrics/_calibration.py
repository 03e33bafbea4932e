"""Probabilities that mean what they say: one temperature, thresholds of the classes, and how to see whether it worked. numpy only.

Fitted on the development group, never on the test. A temperature divides all logits by one number, so the order of the classes, and with it
the accuracy, stays as it is (Guo et al. 2017, ICML, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.errors import DataError
from auricle.metrics._truth import check, hot
from auricle.metrics.calibration_error import CalibrationError, bin_of, right

Real = NDArray[np.floating[Any]]
_COLDEST, _HOTTEST = 0.02, 50.0


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Clips whose confidence lies in one bin.

    Args:
        low: edge of the bin, probability.
        high: edge of the bin, probability.
        count: clips (times classes, where any number may hold).
        confidence: their mean probability; the bin's middle where it is empty.
        accuracy: the share of them that is right; 0 where the bin is empty.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How well probabilities fit, before and after the temperature.

    Args:
        temperature: what the logits are divided by.
        ece_before: expected calibration error at temperature 1.
        ece_after: expected calibration error at this temperature.
        bins: reliability after the temperature.
    """

    temperature: float
    ece_before: float
    ece_after: float
    bins: tuple[ReliabilityBin, ...]

    def tree(self) -> dict[str, Any]:
        """As plain JSON values: the part "calibration" of metrics.json."""
        bins = [{"low": b.low, "high": b.high, "count": b.count, "confidence": b.confidence, "accuracy": b.accuracy} for b in self.bins]
        return {"temperature": self.temperature, "ece_before": self.ece_before, "ece_after": self.ece_after, "bins": bins}


def temperature(logits: Real, truth: NDArray[np.generic], *, shares: bool = False) -> float:
    """The temperature with the least negative log likelihood on the development group.

    The likelihood is concave in 1/T, so its slope has one zero, found by bisection. Of the truth's mass, one clip's share is spread evenly
    over the classes, much as Platt 1999 does: a model without a mistake on few clips would else be told to be infinitely sure.

    Args:
        logits: [R, K] of the development group.
        truth: [R] class indices, or [R, K] multi-hot, or shares of annotators.
        shares: whether the truth is such shares.

    Returns:
        0.02 to 50; above 1 makes the model less sure.

    Raises:
        ShapeError: logits and truth do not fit together.
        DataError: no clips, or a logit that is not finite.
    """
    check(logits, truth)
    z, single = logits.astype(np.float64), truth.ndim == 1 or shares
    even, share = (1 / z.shape[1] if single else 0.5), 1 / (len(z) + 1)
    y = (1 - share) * (truth.astype(np.float64) if shares else hot(truth, z.shape[1])) + share * even
    low, high = 1 / _HOTTEST, 1 / _COLDEST
    for _ in range(60):
        middle = (low * high) ** 0.5
        slope = ((calibrated(z, single, temperature=1 / middle) - y) * z).sum()
        low, high = (low, middle) if slope > 0 else (middle, high)
    return float((low * high) ** -0.5)


def calibrated(logits: Real, single: bool, *, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities of logits at a temperature.

    Args:
        logits: [..., K].
        single: whether exactly one class holds (softmax), or any number (sigmoid).
        temperature: what the logits are divided by.

    Returns:
        [..., K].
    """
    z = logits.astype(np.float64) / temperature
    if not single:
        return np.asarray(0.5 * (1 + np.tanh(z / 2)))  # the sigmoid, without overflow
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def calibration(logits: Real, truth: NDArray[np.generic], *, temperature: float, bins: int = 15, shares: bool = False) -> Calibration:
    """How well the probabilities of a test fit, with and without a temperature that was fitted elsewhere.

    Args:
        logits: [R, K] of the test clips, not divided by anything.
        truth: [R] class indices, or [R, K] multi-hot, or shares of annotators.
        temperature: fitted on the development group.
        bins: of the error and of the diagram.
        shares: whether the truth is such shares.

    Returns:
        Error before and after, and the diagram's bins.

    Raises:
        ShapeError: logits and truth do not fit together.
        DataError: no clips, or a logit that is not finite.
    """
    check(logits, truth)
    single, error = truth.ndim == 1 or shares, CalibrationError(bins=bins, shares=shares)
    after = calibrated(logits, single, temperature=temperature)
    seen = reliability(after, truth, bins=bins, shares=shares)
    return Calibration(temperature, error(calibrated(logits, single), truth), error(after, truth), seen)


def reliability(probabilities: Real, truth: NDArray[np.generic], *, bins: int = 15, shares: bool = False) -> tuple[ReliabilityBin, ...]:
    """Confidence against the share that is right, in equally wide bins; where any number of classes may hold, all classes together.

    Args:
        probabilities: [R, K].
        truth: [R] class indices, or [R, K] multi-hot, or shares of annotators, which stand for being right.
        bins: how many.
        shares: whether the truth is such shares.

    Returns:
        The bins from 0 to 1, empty ones too.

    Raises:
        ShapeError: probabilities and truth do not fit together.
        DataError: no clips, or a probability that is not finite.
    """
    check(probabilities, truth)
    p = probabilities.astype(np.float64)
    one = truth.ndim == 1 or shares
    sure, hits = (p.max(axis=1), right(p, truth)) if one else (p.ravel(), hot(truth, p.shape[1]).ravel())
    place = bin_of(sure, bins)
    count = np.bincount(place, minlength=bins)
    middle = (np.arange(bins) + 0.5) / bins
    confidence = np.where(count, np.bincount(place, sure, bins) / np.maximum(count, 1), middle)
    accuracy = np.bincount(place, hits, bins) / np.maximum(count, 1)
    return tuple(ReliabilityBin(m / bins, (m + 1) / bins, int(count[m]), float(confidence[m]), float(accuracy[m])) for m in range(bins))


def thresholds(probabilities: Real, truth: NDArray[np.generic]) -> NDArray[np.float64]:
    """For each class, the threshold with the best F1 on the development group.

    Args:
        probabilities: [R, K] calibrated.
        truth: [R, K] multi-hot.

    Returns:
        [K] halfway between two neighbouring probabilities (the lowest of equally good ones); 0.5 for a class that is true for no clip.

    Raises:
        ShapeError: probabilities and truth do not fit together.
        DataError: truth is not multi-hot, no clips, or a probability that is not finite.
    """
    check(probabilities, truth)
    if truth.ndim != 2:
        raise DataError(f"truth is {list(truth.shape)} indices; thresholds are for tasks where any number of classes may hold, [R, K]")
    true = hot(truth, probabilities.shape[1])
    columns = zip(probabilities.T.astype(np.float64), true.T, strict=True)
    return np.array([_threshold(p, t) if t.any() else 0.5 for p, t in columns])


def _threshold(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    levels, place = np.unique(scores, return_inverse=True)
    hits = np.bincount(place, positive)[::-1].cumsum()[::-1]  # true at or above each level
    named = np.bincount(place)[::-1].cumsum()[::-1]
    best = int(np.argmax(hits / (named + positive.sum())))
    below = levels[best - 1] if best else 0.0
    middle = float((below + levels[best]) / 2)
    return middle if below < middle else float(levels[best])
