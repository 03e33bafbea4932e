"""What denoising gains: speech with recorded noise at 0, 5 and 10 dB, the ratio of noise power before to after, decibels.

Emotional speech from EmoDB and spoken digits, with 14 recorded noises: steady ones, and taps, friction, hens and sheep, which no steady
noise's estimate can take. The data are found through $AURICLE_DATA (data/emodb, data/fsdd, data/noise_rir); without them there is nothing
to measure.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from _measure import write
from auricle.audio.denoise import denoise


def main() -> None:
    """Measure and write."""
    root = Path(os.environ.get("AURICLE_DATA", Path(__file__).parents[2] / "shared")) / "data"
    speech = _speech(root)
    noises = {
        path.stem: soundfile.read(path, dtype="float32", always_2d=True) for path in sorted((root / "noise_rir" / "noise").glob("*.flac"))
    }
    if not speech or not noises:
        print(f"{root} holds no emodb, fsdd and noise_rir: nothing to measure")
        return
    steady = np.array([name.startswith(("noise", "ta_")) for name in noises])
    found: list[dict[str, object]] = []
    for method in ("subtract", "wiener"):
        for snr_db in (0, 5, 10):
            gains = [[_gain(s, n, snr_db, method) for s in speech] for n in noises.values()]
            per_noise = np.array(gains).mean(1)
            found.append(
                {
                    "method": method,
                    "snr_db": snr_db,
                    "mean_gain_db": round(float(per_noise.mean()), 2),
                    "steady_noises_db": round(float(per_noise[steady].mean()), 2),
                    "other_noises_db": round(float(per_noise[~steady].mean()), 2),
                    "best_noise_db": round(float(per_noise.max()), 2),
                    "worst_noise_db": round(float(per_noise.min()), 2),
                    "clips": int(np.size(gains)),
                }
            )
    write("denoise", found)


def _speech(root: Path) -> list[tuple[NDArray[np.float32], int]]:
    """Sentences of EmoDB, and of each of FSDD's speakers ten digits in a row."""
    found = [soundfile.read(path, dtype="float32") for path in sorted((root / "emodb" / "wav").glob("*.flac"))[::90]]
    digits = sorted((root / "fsdd").rglob("[0-9]_*_0.flac"))
    for speaker in sorted({path.stem.split("_")[1] for path in digits}):
        own = [soundfile.read(path, dtype="float32") for path in digits if path.stem.split("_")[1] == speaker]
        found.append((np.concatenate([wave for wave, _ in own]), own[0][1]))
    return found


def _gain(speech: tuple[NDArray[np.float32], int], noise: tuple[NDArray[np.float32], int], snr_db: float, method: str) -> float:
    (clean, rate), (recorded, noise_rate) = speech, noise
    sound = soxr.resample(recorded.mean(1), noise_rate, rate)
    sound = np.tile(sound, -(-len(clean) // len(sound)))[: len(clean)]
    sound = sound * np.sqrt(np.mean(clean**2) / np.mean(sound**2)) * 10 ** (-snr_db / 20)
    noisy = (clean + sound).astype(np.float32)
    made = denoise(noisy, rate, method=method)  # type: ignore[arg-type]
    return float(10 * np.log10(np.sum((noisy - clean) ** 2) / np.sum((made - clean) ** 2)))


if __name__ == "__main__":
    main()
