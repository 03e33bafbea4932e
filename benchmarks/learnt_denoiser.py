"""What a learnt denoiser gains beside spectral subtraction and Wiener's gain: SI-SNR, decibels, on speakers and noises that nothing heard.

`crn` learns by the recipe `denoiser` from EmoDB without two of its speakers, with seven recorded noises and ESC-10's folds 1 to 4;
sentences of those two speakers and digits of all of FSDD's then get seven other recorded noises, and ESC-10's fold 5. Each method cleans
the very same mixtures. The data are found through $AURICLE_DATA (data/emodb, data/fsdd, data/noise_rir, data/esc10).

    python benchmarks/learnt_denoiser.py [--run RUN] [--time 15m]

RUN is where the trained denoiser lies; where nothing is there, it is trained first (60 epochs are a quarter of an hour on one free core).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray

from _measure import write
from auricle import bundle
from auricle.audio.denoise import denoise
from auricle.datasets._corpus import open_corpus
from auricle.metrics.si_snr import SiSnr
from auricle.verbs.train import train

Wave = NDArray[np.float32]

RATE = 16_000
HELD_OUT = ("noise2", "noise4", "ta_stereo_noise", "am_friction", "am_sheep", "am_130921_iPhone_rub")  # beginnings of names
STEADY = ("noise", "ta_")
SPEAKERS = ("15", "16")  # of EmoDB, a man and a woman
SNRS_DB = (0, 5, 10)


def main() -> None:
    """Train where needed, measure and write."""
    words = argparse.ArgumentParser()
    words.add_argument("--run", type=Path, default=Path("runs/learnt_denoiser"))
    words.add_argument("--time", default="", help="budget that the 60 epochs are cut down to")
    given = words.parse_args()
    root = Path(os.environ.get("AURICLE_DATA", Path(__file__).parents[2] / "shared")) / "data"
    os.environ["AURICLE_DATA"] = str(root.parent)
    if not (given.run / "metrics.json").is_file():
        _train(root, given.run, given.time)
    network, epochs = bundle.load(given.run).pipe, len((given.run / "log.csv").read_text(encoding="utf-8").splitlines()) - 1

    def learnt(noisy: Wave) -> Wave:
        with torch.no_grad():
            made: Wave = network(torch.from_numpy(noisy)[None], torch.tensor([len(noisy)]))[0].numpy()
        return made

    methods: dict[str, Callable[[Wave], Wave]] = {
        "subtract": lambda noisy: denoise(noisy, RATE, method="subtract"),
        "wiener": lambda noisy: denoise(noisy, RATE, method="wiener"),
        "crn": learnt,
    }
    noises = _noises(root, held_out=True)
    found: list[dict[str, object]] = []
    for speech, clips in _speech(root).items():
        for snr_db in SNRS_DB:
            mixtures = [(clean, _mixed(clean, noise, snr_db), name) for clean in clips for name, noise in noises.items()]
            before = np.array([_ratio(noisy, clean) for clean, noisy, _ in mixtures])
            for method, clean_up in methods.items():
                gain = np.array([_ratio(clean_up(noisy), clean) for clean, noisy, _ in mixtures]) - before
                found.append(
                    _row(speech, snr_db, method, gain, [name for *_, name in mixtures]) | {"epochs": epochs if method == "crn" else ""}
                )
    write("learnt_denoiser", found)


def _row(speech: str, snr_db: int, method: str, gain: NDArray[np.float64], names: list[str]) -> dict[str, object]:
    kinds = np.array(["steady" if n.startswith(STEADY) else "esc" if n.startswith("esc") else "other" for n in names])
    means = {f"{kind}_noises_db": round(float(gain[kinds == kind].mean()), 2) for kind in ("steady", "other", "esc")}
    worse = round(float((gain < 0).mean()), 3)
    return {
        "speech": speech,
        "snr_db": snr_db,
        "method": method,
        "si_snr_gain_db": round(float(gain.mean()), 2),
        **means,
        "share_made_worse": worse,
        "mixtures": len(gain),
    }


def _train(root: Path, run: Path, time: str) -> None:
    folder = run.parent / f"{run.name}-data"
    for name, noise in _noises(root, held_out=False).items():
        (folder / "noise").mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "noise" / f"{name}.flac", noise, RATE)
    for path in sorted((root / "emodb" / "wav").glob("*.flac")):
        if path.stem[:2] not in SPEAKERS:
            (folder / "speech" / path.stem[:2]).mkdir(parents=True, exist_ok=True)
            (folder / "speech" / path.stem[:2] / path.name).symlink_to(path.resolve())
    settings = (
        '[{name="gain"},'
        f'{{name="add_noise",folder="{folder / "noise"}",p=1.0,min_snr_db=-5.0,max_snr_db=15.0}},'
        '{name="add_noise",p=0.5,min_snr_db=0.0,max_snr_db=20.0}]'
    )
    train(
        str(folder / "speech"),
        recipe="denoiser",
        set_=(
            f"augment={settings}",
            "train.epochs=60",
            "train.warmup=1.0",
            "split.test_fraction=0.1",
            "split.dev_fraction=0.0",
            "train.device=cpu",
        ),
        out=run,
        time=time,
    )


def _noises(root: Path, *, held_out: bool) -> dict[str, Wave]:
    """Recorded noises at `RATE`; to train on, the recordings in pieces of five seconds, and most of ESC-10."""
    found = {}
    for path in sorted((root / "noise_rir" / "noise").glob("*.flac")):
        if path.stem.startswith(HELD_OUT) == held_out:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
            found[path.stem] = soxr.resample(samples.mean(1), rate, RATE)
    if not held_out:
        found = {f"{name}_{i}_{turn}": piece for name, wave in found.items() for i, piece in enumerate(_pieces(wave)) for turn in range(4)}
    items = [item for item in open_corpus("esc10").items if (item.fold == "5") == held_out]
    for item in items[:: 8 if held_out else 1]:
        samples, rate = soundfile.read(item.path, dtype="float32", always_2d=True)
        if np.square(samples).mean() > 1e-7:
            found[f"esc_{item.path.stem}"] = soxr.resample(samples.mean(1), rate, RATE)
    return found


def _pieces(wave: Wave) -> list[Wave]:
    return [wave[at : at + 5 * RATE] for at in range(0, max(1, len(wave) - RATE), 5 * RATE)]


def _speech(root: Path) -> dict[str, list[Wave]]:
    """Every tenth sentence of EmoDB's held-out speakers; of each of FSDD's, ten digits in a row."""
    sentences = [path for path in sorted((root / "emodb" / "wav").glob("*.flac")) if path.stem[:2] in SPEAKERS][::10]
    digits = sorted((root / "fsdd").rglob("[0-9]_*_0.flac"))
    rows = []
    for speaker in sorted({path.stem.split("_")[1] for path in digits}):
        own = [soundfile.read(path, dtype="float32") for path in digits if path.stem.split("_")[1] == speaker]
        rows.append(soxr.resample(np.concatenate([wave for wave, _ in own]), own[0][1], RATE))
    return {"emodb": [_at_rate(path) for path in sentences], "fsdd": rows}


def _at_rate(path: Path) -> Wave:
    samples, rate = soundfile.read(path, dtype="float32")
    made: Wave = soxr.resample(samples, rate, RATE)
    return made


def _mixed(clean: Wave, noise: Wave, snr_db: float) -> Wave:
    sound = np.tile(noise, -(-len(clean) // len(noise)))[: len(clean)]
    level = np.sqrt(np.mean(clean**2) / max(float(np.mean(sound**2)), 1e-12)) * 10 ** (-snr_db / 20)
    made: Wave = (clean + level * sound).astype(np.float32)
    return made


def _ratio(wave: Wave, clean: Wave) -> float:
    return float(SiSnr()(wave[None], clean[None]))


if __name__ == "__main__":
    main()
