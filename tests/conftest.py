"""Sound for the tests: real recordings where they are at hand, seeded synthesis everywhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def _shared() -> Path | None:
    named = os.environ.get("AURICLE_DATA")
    for folder in (Path(named) if named else None, Path(__file__).parents[2] / "shared"):
        if folder is not None and (folder / "data").is_dir():
            return folder
    return None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings (holding data/, odd_audio/, fixtures/), or skip."""
    folder = _shared()
    if folder is None:
        pytest.skip("no real recordings: neither $AURICLE_DATA nor ../shared holds data/")
    return folder
