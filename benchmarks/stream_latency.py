"""What one step of a live stream costs, in the exported graph, on one thread.

python benchmarks/stream_latency.py [MODEL...]
"""

from __future__ import annotations

import sys

from _measure import write
from auricle.verbs.bench import bench

rows: list[dict[str, object]] = []
for model in sys.argv[1:] or ["everyday10"]:
    costs = bench(model, threads=1, repeats=100)
    rows.append(
        {
            "model": costs.path.name,
            "parameters": costs.parameters,
            "clip_p50_ms": round(costs.p50_ms, 3),
            "step_p50_ms": round(costs.step_p50_ms, 3),
            "step_p99_ms": round(costs.step_p99_ms, 3),
            "streams_per_core": costs.streams_per_core,
            "algorithmic_ms": round(costs.algorithmic_ms, 1),
            "peak_mb": round(costs.peak_memory_bytes / 1e6, 1),
        }
    )
write("stream_latency", rows)
