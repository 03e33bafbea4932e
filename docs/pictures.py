"""Takes the README's two pictures: a report's page in headless Chromium, and a terminal while `auricle listen` hears a recording.

    python docs/pictures.py RUN      # a finished run on ESC-10, such as runs/everyday10

Needs ESC-10 at $AURICLE_DATA and Chromium.
"""

from __future__ import annotations

import csv
import io
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from auricle.audio.waveform import waveform
from auricle.audio.write import write
from auricle.types import Clip

PICTURES = Path(__file__).parent / "pictures"
RATE = 16_000
HEARD = ("rooster", "dog", "rain", "chainsaw", "crying_baby")
PAGE = 1200, 1500  # pixels of the window
LOUD = 12  # blocks of the meter


def report(run: Path) -> None:
    """The top of the report, small enough for a README."""
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "page.png"
        quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"]
        words = ["chromium", *quiet, f"--user-data-dir={folder}", f"--window-size={PAGE[0]},{PAGE[1]}", f"--screenshot={shot}"]
        subprocess.run([*words, (run / "report.html").resolve().as_uri()], check=True, stderr=subprocess.DEVNULL)
        page = Image.open(shot).convert("RGB").quantize(128, dither=Image.Dither.NONE)
        page.save(PICTURES / "report.png", optimize=True)


def listen(run: Path) -> None:
    """The terminal after five clips that judged the model, with pauses, at their own speed."""
    with (run / "predictions.csv").open(encoding="utf-8", newline="") as file:
        judged = {row["truth"]: row["path"] for row in csv.DictReader(file) if row["truth"] == row["prediction"]}
    pause = np.zeros(2 * RATE, np.float32)
    parts = [part for label in HEARD if label in judged for part in (waveform(judged[label], sample_rate=RATE)[0], pause)]
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "garden.wav"
        write(recording, Clip(np.concatenate(parts)[None], RATE))
        screen = played(["auricle", "listen", "everyday10", recording.name, "--real-time"], Path(folder))
    console = Console(record=True, width=88, file=io.StringIO(), force_terminal=True)
    console.print("[bold]$ auricle listen everyday10 garden.wav --real-time[/]")
    for line in screen:
        style = "green" if "starts" in line else "cyan" if "ends" in line else "dim"
        console.print(line, style=style, highlight=False, markup=False)
    console.save_svg(str(PICTURES / "listen.svg"), title="auricle listen")


def played(words: list[str], folder: Path) -> list[str]:
    """What stood on the terminal when the last loud moment was heard: finished lines, and the line that is written over."""
    master, terminal = pty.openpty()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    process = subprocess.Popen(words, stdout=terminal, stderr=terminal, cwd=folder, env={**os.environ, "PATH": path, "COLUMNS": "88"})
    os.close(terminal)
    raw = b""
    while True:
        try:
            more = os.read(master, 1 << 16)
        except OSError:
            break
        if not more:
            break
        raw += more
    process.wait()
    lines: list[str] = []
    screen: list[str] = []
    for line in raw.decode().replace("\r\n", "\n").split("\n"):
        states = [state for state in line.replace("\x1b[K", "").split("\r") if state.strip()]
        for meter in (state for state in states if "█" * LOUD in state):
            screen = [*lines, meter]
        lines += [state for state in states[-1:] if "█" not in state and " dB " not in state]
    return screen


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    report(Path(sys.argv[1]))
    listen(Path(sys.argv[1]))
