"""A user's few clips, as `personalise` hears them, and what it says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from auricle.audio.waveform import waveform
from auricle.datasets.folder import Folder
from auricle.errors import AuricleError, DataError, RequestError
from auricle.learning.personal import Heard, Personal
from auricle.types import Skipped

if TYPE_CHECKING:
    from auricle.exporters._onnx_last import LastLayer


@dataclass(frozen=True, slots=True)
class Clips:
    """Clips of a folder.

    Args:
        folder: where they lie.
        labels: the model's, then the new ones.
        heard: what the last layer hears of each.
        skipped: files that could not be read.
    """

    folder: Path
    labels: tuple[str, ...]
    heard: Heard
    skipped: tuple[Skipped, ...]


def clips(last: LastLayer, folder: Path, bar: Callable[[str, int], Callable[[], object]], *, known: bool = False) -> Clips:
    """The clips of a folder, heard.

    Args:
        last: hears them.
        folder: a folder for each label.
        bar: makes a progress bar.
        known: whether only the model's own labels are wanted.

    Returns:
        The clips that can be read.

    Raises:
        RequestError: no such folder, a label that is not the model's, or a new one that its settings have no place for.
        DataError: a label without a usable clip, or no label at all.
    """
    if not folder.is_dir():
        raise RequestError(f"{folder} is not a folder; wanted one that holds a folder of clips for each label")
    corpus = Folder(layout="label/group")
    items, skipped = list(corpus.items(folder)), list(corpus.skipped(folder))
    named = sorted({item.target[0] for item in items})
    new = [label for label in named if label not in last.facts.labels]
    if known and new:
        raise RequestError(
            f"{folder} holds clips of {new[0]}, which {last.path.name} doesn't know; it knows {', '.join(last.facts.labels)}"
        )
    if new and (last.facts.thresholds or last.facts.decider.get("each")):
        raise RequestError(f"{last.path} has a threshold for each of its labels and none for {new[0]}; known labels can be adapted")
    labels = (*last.facts.labels, *new)
    rows, shares, truth, group = [], [], [], []
    tick = bar(f"hearing {folder.name}", len(items))
    groups: dict[str, int] = {}
    for item in items:
        try:
            wave, _ = waveform(item.path, sample_rate=last.facts.sample_rate, channels=last.facts.channels)
        except AuricleError as wrong:
            skipped.append(Skipped(item.path, str(wrong)))
            continue
        heard, share = last.embed(wave)
        rows.append(heard)
        shares.append(share)
        truth.append(labels.index(item.target[0]))
        group.append(groups.setdefault(item.group or str(item.path), len(groups)))
        tick()
    empty = sorted({*named, *_folders(folder)} - {labels[k] for k in truth})
    if empty or not truth:
        raise DataError(f"{folder / empty[0] if empty else folder} holds no clip that can be read; wanted at least one for each label")
    clip = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
    return Clips(
        folder, labels, Heard(np.concatenate(rows), np.concatenate(shares), clip, np.array(truth), np.array(group)), tuple(skipped)
    )


def refusal(found: Personal, mine: Clips, kept: Clips | None, *, most_forgotten: float) -> DataError:
    """Why nothing was written, in numbers.

    Args:
        found: what was tried last.
        mine: the user's clips.
        kept: clips of the old classes.
        most_forgotten: by how much their share of rightly named ones may fall.

    Returns:
        The error.
    """
    said = []
    if kept is not None:
        said.append(
            f"{100 * found.before:.1f} % of the {len(kept.heard.truth)} clips in {kept.folder} were named rightly and "
            f"{100 * found.after:.1f} % would be (--most-forgotten allows {100 * most_forgotten:g} points less)"
        )
    truth = mine.heard.truth
    for k in np.unique(truth):
        own = found.own[truth == k]
        said.append(f"{int(own.sum())} of the {len(own)} clips of {mine.labels[k]}")
    return DataError(
        f"no pull {'keeps the old classes and ' * bool(kept)}learns the clips in {mine.folder}: with {found.pull:g}, {', '.join(said)}",
        hint="more clips, or clips that differ more from the old classes; --how takes the other method",
    )


def told(about: dict[str, Any]) -> list[str]:
    """What the card says of how the file was made, in words.

    Args:
        about: as the card has it.

    Returns:
        Lines.
    """
    learnt = about["learnt"]
    lines = [f"{about['how']} with a pull of {about['pull']:g}, from {about['from']['file']}"]
    for label, said in learnt.items():
        left = said["named_rightly_left_out"]
        alone = "none could be left out" if left is None else f"{left} of {said['clips']} when left out in turn"
        word = "new" if said["new"] else "known"
        lines.append(f"{label} ({word}): {said['named_rightly']} of {said['clips']} clips named rightly, {alone}")
    judged = about["old_classes"]
    if judged is None:
        lines.append(
            "what was forgotten is not measured: no clips of the old classes were given (--keep DIR); the strongest pull was taken"
        )
    else:
        before, after = (f"{100 * judged[when]:.1f} %" for when in ("before", "after"))
        lines.append(f"old classes: {before} of {judged['clips']} clips named rightly before, {after} after")
    way = f"; those of the adapted labels moved by at most {100 * about['old_rows_moved']:.1f} % of the usual length"
    lines.append(f"the layer's other rows stayed as they were{way if about['old_rows_moved'] else ''}")
    return lines


def _folders(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith(".")]
