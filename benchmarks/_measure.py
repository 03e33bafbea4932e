"""What the benchmarks share: a cold process measured from outside, and the CSV that the tables are made from."""

from __future__ import annotations

import csv
import datetime
import os
import platform
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def cold(words: list[str]) -> tuple[float, float, float]:
    """Wall seconds, peak resident megabytes and processor seconds of one process.

    Args:
        words: the command.

    Returns:
        Seconds, MB and seconds of processor time, which other work on the machine disturbs least.
    """
    began = time.perf_counter()
    child = os.posix_spawnp(words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return time.perf_counter() - began, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


def machine() -> str:
    """Processor and how many this process may use."""
    cpus = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in cpus.read_text().splitlines() if line.startswith("model name")] if cpus.exists() else []
    )
    return f"{names[0] if names else platform.processor()}, {len(os.sched_getaffinity(0))} cores"


def write(name: str, rows: list[dict[str, object]]) -> None:
    """Write and print results, each row with the date, the machine and its load.

    Args:
        name: of the file, without suffix.
        rows: what was measured.
    """
    RESULTS.mkdir(exist_ok=True)
    stamp = {"date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(), "machine": machine(), "load": round(os.getloadavg()[0], 2)}
    with (RESULTS / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [*rows[0], *stamp], lineterminator="\n")
        table.writeheader()
        table.writerows({**row, **stamp} for row in rows)
    print((RESULTS / f"{name}.csv").read_text(encoding="utf-8"))
