"""Silent corpora: the names are what these tests are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

Tree = Callable[[Iterable[str]], Path]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Writes 50 ms of silence under each name below one folder, whatever the suffix says, and returns the folder."""

    def write(names: Iterable[str], seconds: float = 0.05) -> Path:
        for name in names:
            path = tmp_path / "corpus" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                soundfile.write(file, np.zeros(int(8000 * seconds), np.float32), 8000, format="WAV")
        return tmp_path / "corpus"

    return write


@pytest.fixture(autouse=True)
def nothing_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Neither the person's data nor their cache is seen."""
    monkeypatch.delenv("AURICLE_DATA", raising=False)
    monkeypatch.setenv("AURICLE_CACHE", str(tmp_path / "cache" / "auricle"))
    return tmp_path / "cache" / "auricle" / "data"
