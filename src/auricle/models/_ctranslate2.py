"""Named tensors out of a CTranslate2 `model.bin`: lengths, names, shapes and numbers, each checked against what is left of the file.

The layout is that of the library's own writer (OpenNMT/CTranslate2, python/ctranslate2/specs/model_spec.py, versions 4 to 6): little-endian
counts, names ended by a zero byte, and for each variable its rank, dimensions, type, size and bytes. There is nothing in it to be run.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from auricle.errors import BundleError

_KINDS = {0: "<f4", 1: "<i1", 2: "<i2", 3: "<i4", 4: "<f2"}
_VERSIONS = range(4, 7)
_HIGHEST_RANK = 8


@dataclass
class _Reader:
    """Bytes and how far they were read."""

    content: bytes
    path: Path
    at: int = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > len(self.content) - self.at:
            raise BundleError(f"{self.path} is cut short: {count} bytes wanted at {self.at}, {len(self.content) - self.at} left")
        self.at += count
        return self.content[self.at - count : self.at]

    def number(self, form: str) -> int:
        """The next number."""
        value: int = struct.unpack(f"<{form}", self.take(struct.calcsize(form)))[0]
        return value

    def word(self) -> str:
        """The next name."""
        return self.take(self.number("H")).rstrip(b"\0").decode("utf-8", "replace")


def tensors(path: Path) -> dict[str, NDArray[np.float32]]:
    """The variables of a file that are floating-point numbers.

    Args:
        path: of `model.bin`.

    Returns:
        [...] float32 by name.

    Raises:
        BundleError: the file is damaged, of another version, or something else.
    """
    reader = _Reader(path.read_bytes(), path)
    version = reader.number("I")
    if version not in _VERSIONS:
        raise BundleError(f"{path} is of version {version}; wanted CTranslate2's {_VERSIONS.start} to {_VERSIONS.stop - 1}")
    reader.word()
    reader.number("I")  # the layout's own revision
    found: dict[str, NDArray[np.float32]] = {}
    for _ in range(reader.number("I")):
        name = reader.word()
        rank = reader.number("B")
        if rank > _HIGHEST_RANK:
            raise BundleError(f"{path} is damaged: {name} has {rank} dimensions")
        shape = [reader.number("I") for _ in range(rank)]
        kind, size = reader.number("B"), reader.number("I")
        content = reader.take(size)
        if kind not in _KINDS:
            raise BundleError(f"{path} holds {name} as type {kind}; wanted one of {', '.join(map(str, _KINDS))}")
        dtype = np.dtype(_KINDS[kind])
        if math.prod(shape) * dtype.itemsize != size:
            raise BundleError(f"{path} is damaged: {name} of shape {shape} has {size} bytes")
        if dtype.kind == "f":
            found[name] = np.frombuffer(content, dtype).reshape(shape).astype(np.float32)
    return found
