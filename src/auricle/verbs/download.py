"""Bring a published corpus, or published weights, to this machine: resumable, checked, ready to use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auricle.errors import RequestError


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What is here now.

    Args:
        name: the corpus's or the weights'.
        kind: "corpus" or "weights".
        root: its folder.
        license: on whose terms.
        citation: how to cite it, or "".
        note: what else is to be known, or "".
        next: a command to go on with.
    """

    name: str
    kind: str
    root: Path
    license: str
    citation: str
    note: str = ""
    next: str = ""

    def text(self) -> str:
        """Where it is and on which terms."""
        said = {"licence": self.license, "cite": self.citation, "note": self.note, "next": self.next}
        return "\n".join([f"{self.name} is in {self.root}", *(f"{word:<9}{what}" for word, what in said.items() if what)])

    def tree(self) -> dict[str, Any]:
        """The same as plain values."""
        return {self.kind: self.name, "root": str(self.root), "license": self.license, "citation": self.citation, "note": self.note}


def download(name: str, *, root: Path | None = None, from_: Path | None = None) -> Downloaded:
    """Download a corpus or weights by name, or go on with a download that was interrupted.

    Weights are checked, turned once into a bundle in the user's cache, and exported, so that `auricle predict NAME` runs without torch.

    Args:
        name: a corpus from `auricle show datasets`, or weights from `auricle show weights`.
        root: folder to put a corpus in; left out, the user's cache.
        from_: a copy of the published file of weights, for a machine without a network.

    Returns:
        Where it is.

    Raises:
        RequestError: no such name, or a corpus that may not be downloaded by a program; the sentence says where to get it.
        DataError: the download failed; the sentence says why and how to go on.
        BundleError: what arrived is damaged or something else.
    """
    from auricle import backbones, catalog, pretrained
    from auricle.datasets import _corpus
    from auricle.verbs._bars import bars

    if name in (*pretrained.names(), *backbones.names()):
        if root is not None:
            raise RequestError(f"--root is {root}, but {name} are weights, which go to the cache; AURICLE_CACHE says where that is")
        return _weights(name, from_) if name in pretrained.names() else _backbone(name, from_)
    if name not in _corpus.published():
        known = [*_corpus.published(), *pretrained.names(), *backbones.names()]
        raise RequestError(f"{name!r} is neither a known corpus nor known weights{catalog.nearest(name, known)}")
    if from_ is not None:
        raise RequestError(f"--from is for weights, and {name} is a corpus", hint="set AURICLE_DATA to the folder that holds it")
    with bars() as display:
        task = display.add_task(f"downloading {name}", total=None, say="")
        place = _corpus.download(name, root=root, progress=lambda done, total: display.update(task, completed=done, total=total or None))
    entry = catalog.load("datasets", name)
    return Downloaded(name, "corpus", place, entry.license, entry.citation, next=f"auricle train {name}")


def _backbone(name: str, source: Path | None) -> Downloaded:
    from auricle import backbones

    about = backbones.about(name)
    folder = backbones.bring(about, source)
    note = "it names no classes: a network to begin training from"
    return Downloaded(name, "weights", folder, about.license, about.citation, note, f"auricle train DATA --set transfer.weights={name} …")


def _weights(name: str, source: Path | None) -> Downloaded:
    from auricle import bundle as bundles
    from auricle import pretrained
    from auricle.exporters.onnx import Onnx
    from auricle.verbs._bars import bar_of, bars

    weights = pretrained.about(name)
    with bars() as display:
        task = display.add_task(f"downloading {name}", total=None, say="")
        folder = pretrained.bring(
            weights, source=source, progress=lambda done, total: display.update(task, completed=done, total=total or None)
        )
        if not (folder / "model.onnx").is_file():
            tick = bar_of(display)("exporting and checking", 1)
            Onnx().write(bundles.load(folder), folder / "model.onnx")
            tick()
    note = "" if weights.checksums else "no checksum is published for it; the names and shapes of its tensors are right"
    return Downloaded(name, "weights", folder, weights.license, weights.citation, note, f"auricle predict {name} clip.wav")
