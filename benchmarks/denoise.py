"""What denoising gains: speech with recorded noise at 0, 5 and 10 dB, the ratio of noise power before to after, decibels.

The data are found through $AURICLE_DATA (data/emodb, data/noise_rir); without them there is nothing to measure.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile
import soxr

from _measure import write
from auricle.audio.denoise import denoise


def main() -> None:
    """Measure and write."""
    root = Path(os.environ.get("AURICLE_DATA", Path(__file__).parents[2] / "shared")) / "data"
    speech = sorted((root / "emodb" / "wav").glob("*.flac"))[::90]
    noises = sorted((root / "noise_rir" / "noise").glob("*.flac"))
    if not speech or not noises:
        print(f"{root} holds no emodb and noise_rir: nothing to measure")
        return
    found: list[dict[str, object]] = []
    for method in ("subtract", "wiener"):
        for snr_db in (0, 5, 10):
            gains = [_gain(s, n, snr_db, method) for n in noises for s in speech]
            per_noise = np.array(gains).reshape(len(noises), -1).mean(1)
            found.append(
                {
                    "method": method,
                    "snr_db": snr_db,
                    "mean_gain_db": round(float(np.mean(gains)), 2),
                    "best_noise_db": round(float(per_noise.max()), 2),
                    "worst_noise_db": round(float(per_noise.min()), 2),
                    "clips": len(gains),
                }
            )
    write("denoise", found)


def _gain(speech: Path, noise: Path, snr_db: float, method: str) -> float:
    clean, rate = soundfile.read(speech, dtype="float32")
    recorded, noise_rate = soundfile.read(noise, dtype="float32", always_2d=True)
    sound = soxr.resample(recorded.mean(1), noise_rate, rate)
    sound = np.tile(sound, -(-len(clean) // len(sound)))[: len(clean)]
    sound = sound * np.sqrt(np.mean(clean**2) / np.mean(sound**2)) * 10 ** (-snr_db / 20)
    noisy = (clean + sound).astype(np.float32)
    made = denoise(noisy, rate, method=method)  # type: ignore[arg-type]
    return float(10 * np.log10(np.sum((noisy - clean) ** 2) / np.sum((made - clean) ** 2)))


if __name__ == "__main__":
    main()
