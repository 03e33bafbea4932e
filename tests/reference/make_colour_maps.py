"""Writes src/auricle/frontends/_colour_maps.npz from matplotlib's maps: 256 colours each, red, green, blue, 0 to 1."""

from pathlib import Path

import matplotlib
import numpy as np

NAMES = ("viridis", "jet", "magma")


def maps() -> dict[str, np.ndarray]:
    return {name: matplotlib.colormaps[name](np.arange(256))[:, :3].astype(np.float32) for name in NAMES}


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).parents[2] / "src/auricle/frontends/_colour_maps.npz", **maps())
