"""`auricle predict model.onnx clip.wav` from a cold start: at most 0.35 s and 130 MB.

python benchmarks/cold_predict.py [RUNS]

The model is the one that ships, the clip five seconds of noise at 44.1 kHz.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from _measure import cold, write

runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
with tempfile.TemporaryDirectory() as folder:
    clip = Path(folder) / "clip.wav"
    soundfile.write(clip, 0.1 * np.random.default_rng(0).standard_normal(5 * 44_100), 44_100)
    command = [str(Path(sys.executable).with_name("auricle")), "predict", "everyday10", str(clip)]
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
