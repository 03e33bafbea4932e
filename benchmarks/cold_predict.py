"""`auricle predict model.onnx clip.wav` from a cold start: at most 0.35 s and 130 MB.

python benchmarks/cold_predict.py MODEL CLIP [RUNS]
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from _measure import cold, write

model, clip = sys.argv[1:3]
runs = int(sys.argv[3]) if len(sys.argv) > 3 else 15
command = [str(Path(sys.executable).with_name("auricle")), "predict", model, clip]
cold(command)
found = [cold(command) for _ in range(runs)]
seconds, memory, processor = ([each[i] for each in found] for i in (0, 1, 2))
write(
    "cold_predict",
    [
        {
            "runs": runs,
            "seconds_median": round(statistics.median(seconds), 3),
            "seconds_least": round(min(seconds), 3),
            "processor_seconds_median": round(statistics.median(processor), 3),
            "peak_mb": round(max(memory), 1),
        }
    ],
)
