"""The same answers, quicker: scales and offsets multiplied into the weights, maps channels last, products fused with what follows them.

In 32 bits, for models with a method `lean`. How much quicker it is on a machine, `benchmarks/conv_next_fast.py` measures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from auricle.compressors._twin import lean

if TYPE_CHECKING:
    from torch import Tensor

    from auricle.bundle import Bundle


class Fold:
    """Nothing to set."""

    exact = True

    def compress(self, bundle: Bundle, clips: Iterable[tuple[Tensor, Tensor]] = ()) -> Bundle:  # noqa: ARG002 - all compressors take them
        """The bundle in the form for inference alone.

        Args:
            bundle: what is made quicker; it stays as it is.
            clips: not needed.

        Returns:
            The bundle with another pipe.

        Raises:
            RequestError: the model has no such form.
        """
        return dataclasses.replace(bundle, pipe=lean(bundle))
