from __future__ import annotations

from pathlib import Path

import numpy as np

from auricle.audio.write import write
from auricle.audits._heard import hear
from auricle.audits.duplicates import duplicates, twins
from auricle.types import Clip, Item


def tune(seed: int) -> np.ndarray:
    """Two seconds of decaying notes at 8 kHz."""
    rng = np.random.default_rng(seed)
    axis = np.arange(16_000) / 8000
    wave = 0.02 * rng.standard_normal(16_000)
    for start in np.arange(0, 2, 0.08):
        after = np.maximum(axis - start, 0)
        for pitch in rng.uniform(200, 3500, 5):
            wave += rng.uniform(0.2, 1) * np.exp(-10 * after) * (axis >= start) * np.sin(2 * np.pi * pitch * axis)
    return (np.rint(9999 * wave / np.abs(wave).max()) / 32768).astype(np.float32)


TUNES = [tune(seed) for seed in range(5)]


def test_exact_near_and_mislabelled(tmp_path: Path) -> None:
    single = [write(tmp_path / f"{n}.wav", Clip(wave[None], 8000)) for n, wave in enumerate(TUNES)]
    exact = write(tmp_path / "exact.flac", Clip(TUNES[0][None], 8000))
    near = write(tmp_path / "near.ogg", Clip(0.4 * TUNES[1][None], 8000))
    items = [*(Item(path, ("a",)) for path in single), Item(exact, ("a",)), Item(near, ("b",))]
    heard = {item.path: hear(item.path) for item in items}
    assert twins(items, heard) == [(single[0], exact), (single[1], near)]
    found = duplicates(items, heard)
    assert [(f.severity, f.paths) for f in found] == [
        ("warning", (single[0], exact)),
        ("warning", (single[1], near)),
        ("error", (single[1], near)),
    ]
    assert found[2].sentence.endswith("such as 1.wav and near.ogg: a and b")
    assert str(exact) in found[0].fix
    assert str(single[0]) not in found[0].fix


def test_silence_is_no_copy_of_silence(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}.wav", Clip(np.zeros((1, 99), np.float32), 8000)) for n in range(2)]
    assert duplicates([Item(p, ("a",)) for p in paths], {p: hear(p) for p in paths}) == []


def test_parts_of_one_file_are_no_copies(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", Clip(TUNES[0][None], 8000))
    items = [Item(path, ("a",), 0.0, 1.0), Item(path, ("b",), 1.0, 2.0)]
    assert duplicates(items, {path: hear(path)}) == []
