"""Threads follow what the process may use."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from auricle.exporters._session import processors, quota


def test_quota_of_both_versions(tmp_path: Path) -> None:
    assert quota(tmp_path) == math.inf
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert quota(tmp_path) == math.inf
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("250000\n")
    assert quota(tmp_path) == 2.5
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert quota(tmp_path) == 0.5
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert quota(tmp_path) == math.inf


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_affinity_is_obeyed() -> None:
    one = min(os.sched_getaffinity(0))
    code = f"import os; os.sched_setaffinity(0, {{{one}}}); from auricle.exporters._session import processors; print(processors())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "1"
    assert 1 <= processors() <= len(os.sched_getaffinity(0))
