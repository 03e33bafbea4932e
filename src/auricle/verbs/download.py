"""Bring a published corpus to this machine: resumable, its contents checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A corpus that is here now.

    Args:
        corpus: its name.
        root: its folder.
        license: of the recordings.
        citation: how to cite it, or "".
    """

    corpus: str
    root: Path
    license: str
    citation: str

    def text(self) -> str:
        """Where it is and on which terms."""
        cite = f"\ncite     {self.citation}" if self.citation else ""
        return f"{self.corpus} is in {self.root}\nlicence  {self.license}{cite}"

    def tree(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"corpus": self.corpus, "root": str(self.root), "license": self.license, "citation": self.citation}


def download(corpus: str, *, root: Path | None = None) -> Downloaded:
    """Download a corpus by name, or go on with a download that was interrupted.

    Args:
        corpus: a name from `auricle show datasets`.
        root: folder to put it in; left out, the user's cache.

    Returns:
        Where it is.

    Raises:
        RequestError: no such corpus, or one that may not be downloaded by a program; the sentence says where to get it.
        DataError: the download failed; the sentence says why and how to go on.
    """
    from auricle import catalog
    from auricle.datasets import _corpus
    from auricle.verbs._bars import bars

    with bars() as display:
        task = display.add_task(f"downloading {corpus}", total=None, say="")
        place = _corpus.download(corpus, root=root, progress=lambda done, total: display.update(task, completed=done, total=total or None))
    entry = catalog.load("datasets", corpus)
    return Downloaded(corpus, place, entry.license, entry.citation)
