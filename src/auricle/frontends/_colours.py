"""Colour maps as tables of 256 colours, matplotlib's own, stored by tests/reference/make_colour_maps.py."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Literal

import numpy as np
import torch
from torch import Tensor

ColourMap = Literal["viridis", "jet", "magma"]


def table(name: ColourMap) -> Tensor:
    """A colour map.

    Args:
        name: matplotlib's name of it.

    Returns:
        [256, 3] red, green and blue, 0 to 1.
    """
    with as_file(files("auricle.frontends") / "_colour_maps.npz") as path, np.load(path, allow_pickle=False) as maps:
        return torch.from_numpy(maps[name])
