"""Where what is downloaded lies: `$AURICLE_CACHE`, or `auricle` in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path


def cache(part: str) -> Path:
    """A folder of the cache; need not be there.

    Args:
        part: what lies there, "data" or "weights".

    Returns:
        Its path.
    """
    own, base = os.environ.get("AURICLE_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return Path(own).expanduser() / part
    return (Path(base).expanduser() if base else Path.home() / ".cache") / "auricle" / part
