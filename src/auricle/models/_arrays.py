"""Named arrays out of a published `.npy` file that holds a dictionary: read by its opcodes, nothing in it is ever called.

Such a file is a pickle, which could run any program when loaded. Here the few opcodes that describe dictionaries, tuples, texts, numbers
and numeric arrays are followed, and everything else is refused.
"""

from __future__ import annotations

import math
import pickletools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auricle.errors import BundleError

_RECONSTRUCT = {"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"}
_GLOBALS = {*_RECONSTRUCT, "numpy ndarray", "numpy dtype"}
_VALUES = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "SHORT_BINSTRING", "BINSTRING"}
_BYTES = {"BINBYTES", "SHORT_BINBYTES"}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(eq=False)
class _Kind:
    """A dtype on its way: letter and size, then the order of bytes."""

    code: str
    order: str = "|"


@dataclass(eq=False)
class _Array:
    """An array on its way: nothing until its state comes."""

    value: Any = None


_MARK = object()


def arrays(path: Path) -> dict[str, dict[str, NDArray[np.float32]]]:
    """The dictionary of dictionaries of arrays that a file holds.

    Args:
        path: the `.npy` file.

    Returns:
        By the outer and the inner name; float32.

    Raises:
        BundleError: the file is no such dictionary, is damaged, or holds anything that is not an array of numbers.
    """
    try:
        with path.open("rb") as stream:
            version = np.lib.format.read_magic(stream)
            header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = header(stream)
            if shape != () or dtype != np.dtype(object):
                raise BundleError(f"{path} holds an array of {dtype}; wanted a dictionary of arrays")
            found = _followed(stream)
        return {layer: {name: np.asarray(value, np.float32) for name, value in parts.items()} for layer, parts in found.items()}
    except BundleError as wrong:
        raise BundleError(f"{path}: {wrong}") from wrong
    except (ValueError, AttributeError, IndexError, KeyError, TypeError) as wrong:
        raise BundleError(f"{path} is not a dictionary of dictionaries of arrays: {wrong}") from wrong


def _followed(stream: Any) -> Any:
    stack: list[Any] = []
    memory: dict[Any, Any] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        name = opcode.name
        if name == "STOP":
            return _unwrapped(stack[-1])
        if name in _VALUES or name in _BYTES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("EMPTY_DICT", "EMPTY_LIST", "MARK"):
            stack.append({} if name == "EMPTY_DICT" else [] if name == "EMPTY_LIST" else _MARK)
        elif name in _TUPLES:
            count = _TUPLES[name]
            stack[-count:] = [tuple(stack[-count:])]
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            memory[len(memory) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memory[argument])
        elif name not in ("PROTO", "FRAME"):
            _collected(name, argument, stack)
    raise ValueError("it ends too early")


def _collected(name: str, argument: Any, stack: list[Any]) -> None:
    """The opcodes that take several things from the stack."""
    if name in ("TUPLE", "SETITEMS", "APPENDS"):
        at = len(stack) - 1 - stack[::-1].index(_MARK)
        items = stack[at + 1 :]
        del stack[at:]
        if name == "TUPLE":
            stack.append(tuple(items))
        elif name == "SETITEMS":
            stack[-1].update(zip(items[::2], items[1::2], strict=True))
        else:
            stack[-1].extend(items)
    elif name == "SETITEM":
        value, key = stack.pop(), stack.pop()
        stack[-1][key] = value
    elif name == "APPEND":
        value = stack.pop()
        stack[-1].append(value)
    elif name == "GLOBAL":
        stack.append(_named(argument))
    elif name == "STACK_GLOBAL":
        attribute, module = stack.pop(), stack.pop()
        stack.append(_named(f"{module} {attribute}"))
    elif name == "REDUCE":
        arguments, what = stack.pop(), stack.pop()
        stack.append(_Array() if what in _RECONSTRUCT else _Kind(str(arguments[0])))
    elif name == "BUILD":
        state = stack.pop()
        _built(stack[-1], state)
    else:
        raise BundleError(f"it asks for {name}, which no array of numbers needs; nothing was run")


def _named(name: str) -> str:
    if name not in _GLOBALS:
        raise BundleError(f"it names {name!r}, which is not of numpy's arrays; nothing was run")
    return name


def _built(what: _Kind | _Array, state: tuple[Any, ...]) -> None:
    if isinstance(what, _Kind):
        what.order = state[1]
        return
    _, shape, kind, columns_first, data = state
    if kind.code.startswith("O"):
        what.value = data[0]  # the wrapper around the dictionary itself
        return
    if not re.fullmatch(r"[fiu][1248]", kind.code):
        raise BundleError(f"it holds an array of {kind.code}; wanted numbers")
    raw = data if isinstance(data, bytes) else data.encode("latin-1")
    dtype = np.dtype(kind.code).newbyteorder(kind.order)
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise BundleError(f"it holds an array of shape {list(shape)} with {len(raw)} bytes; wanted {math.prod(shape) * dtype.itemsize}")
    what.value = np.frombuffer(raw, dtype).reshape(shape, order="F" if columns_first else "C")


def _unwrapped(value: Any) -> Any:
    if isinstance(value, _Array):
        return _unwrapped(value.value)
    if isinstance(value, dict):
        return {str(key): _unwrapped(item) for key, item in value.items()}
    return value
