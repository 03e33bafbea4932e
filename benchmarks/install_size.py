"""The runtime without extras, installed into a fresh environment: at most 170 MB, no torch, scipy or pandas.

python benchmarks/install_size.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from _measure import write

with tempfile.TemporaryDirectory() as folder:
    venv.create(folder, with_pip=True)
    site = next(Path(folder).glob("lib/python*/site-packages"))
    before = {p.name for p in site.iterdir()}
    subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "-q", str(Path(__file__).parents[1])], check=True, stdout=sys.stderr)
    sizes = {
        p.name: sum(f.stat().st_size for f in ([p] if p.is_file() else p.rglob("*")) if f.is_file())
        for p in site.iterdir()
        if p.name not in before
    }
    unwanted = {"torch", "scipy", "pandas", "sklearn"} & {name.lower() for name in sizes}
    if unwanted:
        raise SystemExit(f"the runtime brings {', '.join(sorted(unwanted))}")
largest = "; ".join(f"{name} {size / 1e6:.0f}" for name, size in sorted(sizes.items(), key=lambda each: -each[1])[:5])
write("install_size", [{"total_mb": round(sum(sizes.values()) / 1e6, 1), "largest_mb": largest}])
