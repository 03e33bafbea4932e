"""A product with a matrix that is zero away from a band, by a few dense slices.

A bank of 64 mel filters over 513 spectral bins is 97 % zeros. Sixteen neighbouring filters share a short run of bins, so that sixteen at a
time make small dense products: a quarter of the work, at the speed of the dense one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_TOGETHER = 16  # filters of a slice; 8 and 32 were slower
_LEAST_ROWS = 16


class BandedProduct(nn.Module):
    """Rows times a banded matrix.

    The matrix library takes another kernel, which adds up in another order, for fewer than four rows a thread, and for three columns left
    over (measured with MKL): a frame's last bit then depends on how many frames stand beside it. So short inputs are filled up with rows of
    zeros, and every slice has sixteen columns.

    Args:
        weights: [K, F] matrix.
        repeat: how often each row of the matrix stands, for inputs that hold squares of real and imaginary parts beside each other.
    """

    def __init__(self, weights: Tensor, *, repeat: int = 1) -> None:
        super().__init__()
        self.filters = weights.shape[1]
        self.spans: list[tuple[int, int]] = []
        for i, (first, last) in enumerate(filter_groups(weights.shape[1])):
            lo, hi = span(weights[:, first:last])
            self.spans.append((lo * repeat, hi * repeat))
            part = weights[lo:hi, first:last].repeat_interleave(repeat, 0)
            filled = nn.functional.pad(part, (0, _TOGETHER - (last - first)))
            self.register_buffer(f"part{i}", filled.float().contiguous(), persistent=False)

    def forward(self, rows: Tensor) -> Tensor:
        """The product.

        Args:
            rows: [R, K] values.

        Returns:
            [R, F] values.
        """
        if torch.compiler.is_exporting():
            return self._product(rows)
        count = rows.shape[0]
        least = _LEAST_ROWS * torch.get_num_threads()
        if count < least:
            rows = nn.functional.pad(rows, (0, 0, 0, least - count))
        return self._product(rows)[:count]

    def _product(self, rows: Tensor) -> Tensor:
        made = [rows[:, lo:hi] @ self.get_buffer(f"part{i}") for i, (lo, hi) in enumerate(self.spans)]
        return torch.cat(made, dim=1)[:, : self.filters]


def filter_groups(filters: int) -> list[tuple[int, int]]:
    """Runs of neighbouring filters, first and one past the last."""
    return [(first, min(first + _TOGETHER, filters)) for first in range(0, filters, _TOGETHER)]


def span(weights: Tensor) -> tuple[int, int]:
    """The run of rows of a [K, F] matrix that hold anything, first and one past the last; one row where none does."""
    used = weights.ne(0).any(1).nonzero().flatten().tolist()
    return (used[0], used[-1] + 1) if used else (0, 1)
