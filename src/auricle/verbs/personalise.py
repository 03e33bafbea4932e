"""Adapt a model to a user, or teach it a new class, from a few clips in seconds; the old classes are watched."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from auricle.types import Skipped

if TYPE_CHECKING:
    from auricle.exporters._facts import Facts
    from auricle.exporters._onnx_last import LastLayer
    from auricle.learning.personal import Personal
    from auricle.verbs._few import Clips


@dataclass(frozen=True, slots=True)
class Personalised:
    """A model that learnt from a few clips.

    Args:
        path: the new file.
        about: how it was made and what became of the old classes, as its card has it.
        labels: how many it knows now.
        seconds: that it took.
        skipped: clips that could not be read.
    """

    path: Path
    about: dict[str, object]
    labels: int
    seconds: float
    skipped: tuple[Skipped, ...]

    def text(self) -> str:
        """What was learnt from what, how well, and what became of the old classes."""
        from auricle.verbs._few import told

        return "\n".join(
            [f"{self.path}: {self.labels} labels, made in {self.seconds:.1f} s", *told(self.about), f"next: auricle verify {self.path}"]
        )

    def tree(self) -> dict[str, object]:
        """Plain JSON values."""
        return {"path": str(self.path), "labels": self.labels, "seconds": self.seconds, **self.about}


def personalise(
    model: str,
    clips: Path,
    *,
    out: Path,
    how: Literal["auto", "head", "prototypes"] = "auto",
    keep: Path | None = None,
    most_forgotten: float = 0.02,
) -> Personalised:
    """Adapt a model to a user, or teach it a new class, from 1 to 20 clips a label, in seconds and without a GPU.

    The network stays as it is, byte for byte; only its last layer is written anew, into a copy. A label that the model knows is adapted
    to the user's clips, one that it doesn't know becomes a new class, and the rows of all other labels stay. What is learnt is pulled
    towards where it began: with --keep by the weakest pull with which the old classes keep their accuracy on its clips, without it by the
    strongest with which three quarters of the user's own clips are named rightly. Where none will do, nothing is written.

    Args:
        model: an .onnx file, a run's folder, or the name of a model that comes with auricle.
        clips: a folder with a folder of clips for each label.
        out: the new file.
        how: head fits the labels' rows, rehearsing the clips of --keep; prototypes sets them by the mean of their clips; auto takes head
            where --keep is given, else prototypes, and head where these don't learn the clips.
        keep: a folder with a folder of clips for each of some old labels, which tell what is forgotten; left out, nothing tells.
        most_forgotten: by how much the share of rightly named clips of --keep may fall.

    Returns:
        What was learnt and what was forgotten.

    Raises:
        RequestError: no such model or folder, a model that can't be personalised, or clips that don't suit it.
        BundleError: a damaged model.
        DataError: a label without a usable clip, or old classes that no pull keeps.
    """
    from auricle.errors import RequestError
    from auricle.exporters._onnx_last import LastLayer
    from auricle.learning.personal import personal
    from auricle.runtime import locate
    from auricle.verbs import _few
    from auricle.verbs._bars import bar_of, bars
    from auricle.verbs.verify import verify

    began = time.perf_counter()
    if not 0 <= most_forgotten <= 1:
        raise RequestError(f"--most-forgotten is {most_forgotten:g}; wanted a share between 0 and 1")
    path = locate(model)
    if out.exists() and out.samefile(path):
        raise RequestError(f"--out {out} is the model itself; name another file")
    choice: tuple[Literal["head", "prototypes"], ...] = ("head",) if keep is not None else ("prototypes", "head")
    methods = choice if how == "auto" else (how,)
    last = LastLayer(path)
    verify(str(path))  # what this machine computes wrongly, no clip would put right
    with bars() as display:
        mine = _few.clips(last, clips, bar_of(display))
        kept = _few.clips(last, keep, bar_of(display), known=True) if keep is not None else None
    for method in methods:
        found, fine = personal(last.layer, mine.heard, kept.heard if kept else None, how=method, most_forgotten=most_forgotten)
        if fine:
            break
    else:
        raise _few.refusal(found, mine, kept, most_forgotten=most_forgotten)
    about = _about(last, found, mine, kept, how=method)
    last.write(out, _facts(last, mine, about), found.layer)
    return Personalised(out, about, len(found.layer.bias), time.perf_counter() - began, (*mine.skipped, *(kept.skipped if kept else ())))


def _about(last: LastLayer, found: Personal, mine: Clips, kept: Clips | None, *, how: str) -> dict[str, object]:
    """How the new file came to be: plain JSON values for its card."""
    import datetime
    import hashlib

    learnt = {
        label: {
            "new": label not in last.facts.labels,
            "clips": int((mine.heard.truth == k).sum()),
            "named_rightly": int(found.own[mine.heard.truth == k].sum()),
            "named_rightly_left_out": None
            if (found.apart[mine.heard.truth == k] < 0).any()
            else int(found.apart[mine.heard.truth == k].sum()),
        }
        for k, label in enumerate(mine.labels)
        if (mine.heard.truth == k).any()
    }
    judged = None
    if kept is not None:
        judged = {"clips": len(kept.heard.truth), "labels": len(set(kept.heard.truth)), "before": found.before, "after": found.after}
    return {
        "from": {"file": last.path.name, "sha256": hashlib.sha256(last.path.read_bytes()).hexdigest(), "labels": list(last.facts.labels)},
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "how": how,
        "pull": found.pull,
        "learnt": learnt,
        "old_classes": judged,
        "old_rows_moved": found.moved,
    }


def _facts(last: LastLayer, mine: Clips, about: dict[str, object]) -> Facts:
    """The old file's facts with the new labels; its figures stay those of the old model, within the card."""
    more = len(mine.labels) - len(last.facts.labels)
    return replace(
        last.facts,
        labels=mine.labels,
        protocol={},
        scores={},
        card={"personalised": about, "before": last.facts.whole_card},
        parameters=last.facts.parameters + more * (last.layer.weight.shape[1] + 1),
    )
