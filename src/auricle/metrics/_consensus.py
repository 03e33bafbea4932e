"""Clips on which annotators agree enough that one label is the most voted: where figures over labels mean something."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]
_ALIKE = 1e-6  # shares are single precision


def consensus(shares: Real) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which clips have one most voted label, and which label that is.

    Args:
        shares: [R, K] of the annotators' votes.

    Returns:
        [C] rows with one most voted label, and [C] its class.

    >>> consensus(np.array([[0.5, 0.5], [0.25, 0.75]]))
    (array([1]), array([1]))
    """
    most = shares.max(axis=1, keepdims=True)
    rows = np.flatnonzero((shares > most - _ALIKE).sum(axis=1) == 1).astype(np.int64)
    return rows, shares[rows].argmax(axis=1).astype(np.int64)
