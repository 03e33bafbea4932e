"""Seeded answers of imagined models, with ties and classes that never occur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray


@dataclass(frozen=True)
class Answers:
    probabilities: NDArray[np.float64]
    truth: NDArray[np.int64]
    rows: NDArray[np.float64]


def answers(seed: int, *, clips: int = 200, classes: int = 7, decimals: int = 12, absent: int = 1) -> Answers:
    """Softmax answers of middling skill; the last `absent` classes are never true; few decimals make heavy ties."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes - absent, clips)
    logits = rng.normal(size=(clips, classes))
    logits[np.arange(clips), truth] += 1.5
    p = np.exp(logits)
    p = np.round(p / p.sum(axis=1, keepdims=True), decimals)
    rows = np.eye(classes)[truth] + (rng.random((clips, classes)) < 0.1)
    rows[:, classes - absent :] = 0
    return Answers(p, truth, (rows > 0).astype(float))


def shares(given: Answers) -> NDArray[np.float64]:
    """Votes of several annotators for the rows and, once more, the truth: rows that sum to 1."""
    votes = given.rows + np.eye(given.rows.shape[1])[given.truth]
    return votes / votes.sum(axis=1, keepdims=True)


@pytest.fixture(params=[(0, 12, 0), (1, 12, 1), (2, 1, 1), (3, 1, 0), (4, 2, 2)], ids=lambda p: f"seed{p[0]}-decimals{p[1]}-absent{p[2]}")
def given(request: pytest.FixtureRequest) -> Answers:
    seed, decimals, absent = request.param
    return answers(seed, decimals=decimals, absent=absent)
