"""Training clips a second beside autrainer, SpeechBrain and a plain Hugging Face script: one network, the same files, the same batch.

Each trains auricle's default network (`peers/network.py`) on the same WAV files of 16 kHz by the way that its own guide shows, with its own
log-mel of 64 bins, AdamW, no augmentation: the scripts in `peers/`. An epoch to warm up, then epochs that count; without judging, writing
models, or preparing: auricle has decoded the clips into memory, autrainer has written features to disk, the others do neither.
Each is measured as it comes, which for auricle is with products in bfloat16 on a processor that has instructions for them, for the others
single precision; auricle in single precision and the two that have a switch for bfloat16 are measured with it besides.
All take turns, round by round, in processes of their own with as many threads. Where other work disturbs the machine, the processor's time
of a run (all its threads) tells more than the clock; processes that load would not be in it, so that there are none.

The peers are heard by an interpreter of their own, since they and auricle don't share their versions of torch's companions:

    python -m venv peers && peers/bin/pip install torch==2.13.0 soundfile pyyaml transformers accelerate
    peers/bin/pip install --no-deps autrainer speechbrain torchaudio==2.11.0 torchvision==0.28.0   # and what they ask for, see each
    python benchmarks/throughput.py peers/bin/python --esc10 FOLDER --fsdd FOLDER

torchaudio 2.11's library doesn't load beside a torch without CUDA; its folder `lib` taken away, its Python half works.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

from _measure import write

HERE = Path(__file__).parent
RATE, BATCH, LR = 16_000, 32, 1e-3
EPOCHS = 3  # the first warms up
SETS = {"esc10": (5.0, 96), "fsdd": (0.5, 512)}  # seconds of a clip, clips
SCRIPTS = {"auricle": "auricle_loop.py", "autrainer": "au_trainer.py", "speechbrain": "speech_brain.py", "transformers": "hugging_face.py"}
OTHERWISE = {"auricle": "32-true", "speechbrain": "bf16-mixed", "transformers": "bf16-mixed"}  # than as it comes
_VERSION = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"


def prepare(name: str, source: Path, folder: Path) -> Path:
    """Clips of one length as WAV, as many of each class, and train.csv.

    Args:
        name: of the set.
        source: its files; the class is the folder's name, or the file's up to the first underscore.
        folder: to write to.
    """
    seconds, count = SETS[name]
    classes: dict[str, list[Path]] = {}
    for path in sorted(path for path in source.rglob("*") if path.suffix in {".ogg", ".wav", ".flac"}):
        classes.setdefault(path.parent.name if name == "esc10" else path.stem.partition("_")[0], []).append(path)
    turns = [path for some in zip(*classes.values(), strict=False) for path in some][:count]
    label = {path: name for name, paths in classes.items() for path in paths}
    (folder / "clips").mkdir(parents=True)
    with (folder / "train.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", "label"])
        for i, path in enumerate(turns):
            wave, rate = soundfile.read(path, dtype="float32", always_2d=True)
            samples = np.zeros(round(seconds * RATE), np.float32)
            heard = soxr.resample(wave.mean(1), rate, RATE)[: len(samples)]
            samples[: len(heard)] = heard
            soundfile.write(folder / "clips" / f"{i}.wav", samples, RATE)
            table.writerow([folder / "clips" / f"{i}.wav", label[path]])
    return folder


def run(python: str, script: str, folder: Path, *, precision: str, threads: int) -> tuple[float, float]:
    """Clips a second by the clock and by the processor's time, the median epoch's after the first.

    Args:
        python: interpreter.
        script: in `peers/`.
        folder: of `prepare`.
        precision: "" for its own.
        threads: of torch.
    """
    words = [python, str(HERE / "peers" / script), str(folder), *map(str, (EPOCHS, BATCH, LR, threads, 0)), precision]
    own = {"OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(HERE.parent / "src"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **own})
    told = [line for line in done.stdout.splitlines() if line.startswith('{"seconds"')]
    if not told:
        raise SystemExit(f"{script} failed: {done.stderr[-2000:]}")
    found = json.loads(told[-1])
    clips = len((folder / "train.csv").read_text(encoding="utf-8").splitlines()) - 1
    clips -= clips % BATCH
    return clips / statistics.median(found["seconds"][1:]), clips / statistics.median(found["processor"][1:])


def installed(python: str) -> dict[str, str]:
    """Versions of the peers that an interpreter has; the others are told and left out."""
    found = {}
    for name in list(SCRIPTS)[1:]:
        asked = subprocess.run([python, "-c", _VERSION, name], capture_output=True, text=True, check=False)
        if asked.returncode:
            sys.stderr.write(f"{name} is not installed for {python} and is left out\n")
        else:
            found[name] = asked.stdout.strip()
    return found


def compared(name: str, folder: Path, python: str, versions: dict[str, str], *, rounds: int, threads: int) -> list[dict[str, object]]:
    """A row for each, measured in turns.

    Args:
        name: of the set.
        folder: of `prepare`.
        python: interpreter of the peers.
        versions: of those that it has.
        rounds: in every other one the order is turned round.
        threads: of torch.
    """
    ways = [("auricle", ""), *((peer, "") for peer in versions)]
    ways += [(peer, precision) for peer, precision in OTHERWISE.items() if peer == "auricle" or peer in versions]
    found: dict[tuple[str, str], list[tuple[float, float]]] = {way: [] for way in ways}
    for turn in range(rounds):
        for peer, precision in ways if turn % 2 else reversed(ways):
            own = python if peer in versions else sys.executable
            found[peer, precision].append(run(own, SCRIPTS[peer], folder, precision=precision, threads=threads))
            sys.stderr.write(f"{name} {threads} {peer} {precision} {found[peer, precision][-1]}\n")
    rows: list[dict[str, object]] = []
    for (peer, precision), measured in found.items():
        ratios = [[ours / theirs for ours, theirs in zip(*pair, strict=True)] for pair in zip(found["auricle", ""], measured, strict=True)]
        speed, ratio = ([statistics.median(each) for each in zip(*pairs, strict=True)] for pairs in (measured, ratios))
        rows.append(
            {
                "set": name,
                "seconds": SETS[name][0],
                "trained_by": f"{peer} {versions[peer]}" if peer in versions else peer,
                "precision": precision or "as it comes",
                "batch": BATCH,
                "threads": threads,
                "rounds": rounds,
                "clips_per_second": round(speed[0], 1),
                "clips_per_processor_second": round(speed[1], 1),
                "auricle_by_clock": round(ratio[0], 2),
                "auricle_by_processor": round(ratio[1], 2),
            }
        )
    return rows


def main() -> None:
    """Measure and write results/throughput.csv."""
    asked = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    asked.add_argument("peers", help="an interpreter that has them")
    asked.add_argument("--esc10", type=Path)
    asked.add_argument("--fsdd", type=Path)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    words = asked.parse_args()
    versions = installed(words.peers)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as place:
        for name, source in (("esc10", words.esc10), ("fsdd", words.fsdd)):
            if source:
                folder = prepare(name, source, Path(place) / name)
                for threads in words.threads:
                    rows += compared(name, folder, words.peers, versions, rounds=words.rounds, threads=threads)
    write("throughput", rows)


if __name__ == "__main__":
    main()
