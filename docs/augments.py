"""Writes docs/pictures/augment_*.png, each augmentation's default on one made-up sound, and the tables in docs/concepts/augments.md.

python docs/augments.py (with --table only the tables are written)
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "concepts" / "augments.md"
PICTURES = ROOT / "docs" / "pictures"
COSTS = ROOT / "benchmarks" / "results" / "augments.csv"
MARKS = {
    "pictures": ("<!-- pictures -->", "<!-- end of pictures -->"),
    "costs": ("<!-- costs -->", "<!-- end of costs -->"),
}


def pictures() -> str:
    """One row an augmentation: where it works, what it is, what it does to the sound."""
    from auricle import catalog

    lines = ["| augmentation | works on | what it is | before and after |", "|---|---|---|---|"]
    for name in catalog.names("augments"):
        kind = catalog.load("augments", name)
        where = {"batch": "waves or features of two clips", "feature": "feature or picture"}.get(kind.domain, kind.domain)
        where += ", on the processor" if getattr(kind, "host", False) else ""
        about = catalog.summary("augments", name).rstrip(".")
        lines.append(f"| [`{name}`](../reference/augments.md#{name}) | {where} | {about} | ![{name}](../pictures/augment_{name}.png) |")
    return "\n".join(lines)


def costs() -> str:
    """What each takes, from the benchmark."""
    with COSTS.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["augmentation"]]
    lines = ["| augmentation | ms for a clip that it changes | share of a training step at its default probability |", "|---|---|---|"]
    lines += [f"| `{row['augmentation']}` | {float(row['ms_a_clip']):.2f} | {float(row['share_of_step']):.1%} |" for row in rows]
    return "\n".join(lines)


def filled(text: str) -> str:
    """The page with its tables between their marks."""
    for (begin, end), made in zip(MARKS.values(), (pictures(), costs()), strict=True):
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}\n{made}\n{end}{rest.partition(end)[2]}"
    return text


def draw() -> None:
    """One picture an augmentation, by the function behind `auricle show augments NAME --listen`."""
    from dataclasses import replace

    import numpy as np

    from auricle import catalog
    from auricle.datasets import sketches
    from auricle.verbs import _heard

    quiet = replace(sketches.maker(6), noise=-55.0, hum=-60.0, band=(40.0, 7600.0), wet=0.1)
    parts = [sketches.sketch(label, quiet, rng=np.random.default_rng(seed)) for label, seed in (("ah", 5), ("knock", 2))]
    sound = np.concatenate([0.5 * part / np.abs(part).max() for part in parts]).astype(np.float32)
    for name in catalog.names("augments"):
        # What can hardly be seen at its default is shown at its end of the range.
        strong = {"pitch_shift": {"min_semitones": 4.0, "max_semitones": 4.0}, "gain": {"min_gain_db": -12.0, "max_gain_db": -12.0}}
        strong |= {"add_noise": {"min_snr_db": 5.0, "max_snr_db": 5.0}, "shift": {"max_shift_ms": 400.0}}
        strong |= {"colour_jitter": {"hue": 0.2, "brightness": 0.4}, "codec": {"min_kbps": 12, "max_kbps": 12, "codec": "mp3"}}
        strong |= {"low_pass": {"max_hz": 1000.0}, "high_pass": {"min_hz": 800.0}, "filter_augment": {"min_gain_db": -20.0, "form": "step"}}
        strong |= {"speed": {"max_rate": 0.85}, "time_stretch": {"max_rate": 0.85}, "mixup": {"alpha": 20.0}}
        made = _heard.on(name, sound, settings=strong.get(name, {}), seed=1)
        (PICTURES / f"augment_{name}.png").write_bytes(made.png())
    for old in PICTURES.glob("augment_*.png"):
        if old.stem.removeprefix("augment_") not in catalog.names("augments"):
            old.unlink()


def main() -> None:
    """The pictures, unless only the tables are asked for, and the tables."""
    if "--table" not in sys.argv[1:]:
        draw()
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
