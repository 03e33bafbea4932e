"""`python -m auricle`, for launchers that start a module."""

from __future__ import annotations

import sys

from auricle.cli import main

if __name__ == "__main__":
    sys.exit(main())
