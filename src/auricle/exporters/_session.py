"""ONNX Runtime sessions: as many threads as this process may use, no busy waiting, small memory, one sentence when a file is damaged."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from auricle.errors import BundleError, RequestError


def processors() -> int:
    """Processors that this process may use: its affinity, and its control group's quota, rounded up.

    Returns:
        At least 1.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(allowed, quota())))


def quota(root: Path = Path("/sys/fs/cgroup")) -> float:
    """Processors that the control group grants, infinite where there is no limit.

    Args:
        root: where the control groups are mounted.

    Returns:
        At least a fraction of one.
    """
    try:
        limit, period = (root / "cpu.max").read_text(encoding="ascii").split()  # version 2
    except (OSError, ValueError):
        try:
            limit, period = ((root / "cpu" / f"cpu.cfs_{name}_us").read_text(encoding="ascii").strip() for name in ("quota", "period"))
        except OSError:
            return math.inf
    if not limit.isdigit() or not period.isdigit() or int(period) == 0:
        return math.inf  # "max", or -1
    return int(limit) / int(period)


def session(path: Path, *, threads: int = 0, content: bytes = b"") -> Any:
    """An ONNX Runtime session on the CPU.

    Args:
        path: the .onnx file.
        threads: inside one operation; 0 takes what `processors` says.
        content: what is opened in the file's place, such as a copy with other outputs; b"" takes the file's own.

    Returns:
        The `onnxruntime.InferenceSession`.

    Raises:
        RequestError: there is no such file.
        BundleError: not an ONNX file, cut short, or one that the runtime refuses.
    """
    if not path.is_file():
        raise RequestError(f"{path} is not a file")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or processors()
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(content or path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as wrong:  # the runtime's own exceptions share no other parent
        reason = " ".join(str(wrong).split())
        raise BundleError(f"{path} is not an ONNX file that can be opened; it is damaged or cut short ({reason[:160]})") from wrong
