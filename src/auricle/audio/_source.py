"""What a decoder hands out: chunks of samples, and what it had to say about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

CHUNK_VALUES = 1 << 19
"""Values decoded at a time, over all channels (2 MiB): a header that lies about rate, channels or length can't make us allocate more."""


class Source(AbstractContextManager["Source"], Protocol):
    """An open sound file.

    Args:
        container: what the file is.
        codec: how the sound is coded in it.
        sample_rate: samples a second.
        channels: how many.
        claimed: frames that the header promises; 0 where it says nothing. Never to be relied on.
        decoder: library and version.
        warnings: one sentence for each thing found wrong so far.
    """

    container: str
    codec: str
    sample_rate: int
    channels: int
    claimed: int
    decoder: str
    warnings: list[str]

    def chunks(self, start: int) -> Iterator[NDArray[np.float32]]:
        """Samples [C, n] from frame `start` to the end of what can be decoded, n > 0."""
        ...
