"""`auricle --help` from a cold start: at most 0.2 s.

python benchmarks/help_latency.py [RUNS]
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from _measure import cold, write

runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
rows: list[dict[str, object]] = []
for words in (["--help"], ["predict", "--help"], ["show"]):
    command = [str(Path(sys.executable).with_name("auricle")), *words]
    cold(command)
    seconds = [cold(command)[0] for _ in range(runs)]
    rows.append(
        {
            "command": " ".join(["auricle", *words]),
            "runs": runs,
            "seconds_median": round(statistics.median(seconds), 3),
            "seconds_least": round(min(seconds), 3),
        }
    )
write("help_latency", rows)
