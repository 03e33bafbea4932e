"""What an extra brings goes with the torch that was tested: each release of torchvision wants one release of torch."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_newest_torchvision_that_the_extra_admits_is_the_tested_one():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    pinned = dict(re.findall(r"^(torch\w*)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    (asked,) = (each for each in extras["vision"] if each.startswith("torchvision"))
    major, minor = map(int, pinned["torchvision"].split(".")[:2])
    assert asked.endswith(f",<{major}.{minor + 1}")
    assert minor == int(pinned["torch"].split(".")[1]) + 15, "torchvision 0.15 came with torch 2.0, and each since with the next"
