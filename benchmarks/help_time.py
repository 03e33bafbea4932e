"""How long `auricle --help` takes: median wall time of fresh processes, beside a bare interpreter's.

Claim: 0.2 s or less.
"""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

RUNS = 15


def median(*words: str) -> float:
    """Seconds, after one run that warms the disk's cache."""
    taken = []
    for _ in range(RUNS + 1):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken[1:])


def main() -> None:
    """Measures, prints and writes results/help_time.csv."""
    call = "import sys; from auricle.cli import main; sys.exit(main(sys.argv[1:]))"
    cases = {
        "python": ("-c", "pass"),
        "auricle --help": ("-c", call, "--help"),
        "auricle show models": ("-c", call, "show", "models"),
        "auricle train --help": ("-c", call, "train", "--help"),
    }
    rows = [("command", "median_seconds", "runs", "date")]
    for name, words in cases.items():
        rows.append((name, f"{median(*words):.3f}", str(RUNS), datetime.now(UTC).date().isoformat()))
        print(f"{rows[-1][0]:24} {rows[-1][1]} s")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    with (results / "help_time.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
