"""Writes docs/pictures/front_end_*.png, one of every front end on one real sound, and the table of flavours in docs/concepts/front_ends.md.

python docs/front_ends.py SOUND (a recording of two or three seconds; without it only the table is written)
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "concepts" / "front_ends.md"
BEGIN, END = "<!-- flavours -->", "<!-- end of flavours -->"


def flavours() -> str:
    """The table of flavours, from the file that recipes resolve them by."""
    from auricle import catalog

    lines = ["| front end | flavour | sample rate | settings |", "|---|---|---|---|"]
    for entry in catalog.names("frontends"):
        for name, settings in catalog.flavours("frontends", entry).items():
            rate = settings.get("sample_rate", "any")
            said = ", ".join(f"{k} {v}" for k, v in settings.items() if k != "sample_rate")
            lines.append(f"| `{entry}` | `{name}` | {rate} | {said} |")
    return "\n".join(lines)


def filled(text: str) -> str:
    """The page with the table between its marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{flavours()}\n{END}{rest.partition(END)[2]}"


def pictures(sound: Path) -> None:
    """One picture a front end."""
    import matplotlib.pyplot as plt
    import torch

    from auricle import catalog
    from auricle.audio.waveform import waveform

    samples, _ = waveform(sound, sample_rate=16_000)
    wave, length = torch.from_numpy(samples.copy())[None], torch.tensor([len(samples)])
    for name in catalog.names("frontends"):
        made = catalog.load("frontends", name)(16_000)
        if hasattr(made, "fit"):
            made.fit([(wave, length)])
        feature = made(wave, length)[0][0]
        figure, axes = plt.subplots(figsize=(6, 2) if name != "picture" else (2.6, 2.6))
        if name == "raw":
            axes.plot(torch.arange(feature.shape[1]) / 16_000, feature[0], linewidth=0.3)
            axes.set(xlabel="seconds", xlim=(0, len(samples) / 16_000))
        elif name == "picture":
            axes.imshow(((feature - feature.amin()) / (feature.amax() - feature.amin())).permute(1, 2, 0))
            axes.set(xlabel="column", ylabel="row")
        else:
            axes.imshow(feature, origin="lower", aspect="auto", cmap="magma", interpolation="nearest")
            axes.set(xlabel=f"frame ({1000 * made.hop / 16_000:g} ms)", ylabel="bin")
        axes.set_title(name)
        figure.savefig(ROOT / "docs" / "pictures" / f"front_end_{name}.png", dpi=80, bbox_inches="tight")
        plt.close(figure)


def main() -> None:
    """The pictures, where a sound is given, and the table."""
    if len(sys.argv) > 1:
        (ROOT / "docs" / "pictures").mkdir(exist_ok=True)
        pictures(Path(sys.argv[1]))
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
