"""The processes that a launcher started, and what each of them has of a batch."""

from __future__ import annotations

import os


def launched() -> int:
    """How many processes work on the same command, as the launcher's variables say."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def leads() -> bool:
    """Whether this process is the only one or the first of several, as the launcher's variables say: the one that talks and writes."""
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0"


def portion(rows: int, rank: int, ranks: int) -> range:
    """A process's rows of a batch: consecutive, and as many as any other's or one more.

    Args:
        rows: of the whole batch.
        rank: of the process.
        ranks: processes.

    Returns:
        Places in the whole batch.

    >>> [list(portion(5, rank, 2)) for rank in range(2)]
    [[0, 1], [2, 3, 4]]
    """
    return range(rows * rank // ranks, rows * (rank + 1) // ranks)
