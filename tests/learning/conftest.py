"""Training in the tests runs on one thread, whatever else the machine does; a network that knows something, to begin from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.tones import recipe_of

from auricle import bundle as bundles
from auricle.types import Task


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that was taught something else, as the folder of a bundle."""
    torch.manual_seed(5)
    recipe, task = recipe_of(), Task(("left", "right"))
    made = bundles.build(recipe, task)
    with torch.no_grad():
        for _ in range(4):
            made(0.1 * torch.randn(6, 4000), torch.full((6,), 4000))
    folder = tmp_path_factory.mktemp("taught") / "bundle"
    bundles.save(bundles.Bundle(made.eval(), recipe, task, card={"license": "CC0", "dataset": "noise"}), folder)
    return folder
