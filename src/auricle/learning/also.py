"""More clips that train and never judge, such as synthetic ones: what is kept of them beside a division, and what a score says of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from auricle.datasets._corpus import Corpus, locate, open_corpus
from auricle.datasets._division import Division, digest
from auricle.datasets._made import fingerprint, heard_for
from auricle.errors import DataError
from auricle.feed import Feed
from auricle.types import Item, Skipped, Task

Bar = Callable[[str, int], Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Also:
    """What was found in the data that only train.

    Args:
        items: clips that train.
        told: for the card, of each source its name, its clips, how many were left out since they are held out, and a digest.
        skipped: files that can't be used, and why.
        warnings: what was repaired while reading.
    """

    items: tuple[Item, ...] = ()
    told: tuple[dict[str, Any], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    def beside(self, division: Division) -> Division:
        """A division with these clips on its training side; its digest remains that of the corpus, whose held-out clips are the same.

        Args:
            division: of the corpus.

        Returns:
            The same clips choose and judge.
        """
        if not self.told:
            return division
        return dataclasses.replace(division, train=division.train + self.items, protocol=f"{division.protocol} {sentence(self.told)}")


def sentence(told: tuple[dict[str, Any], ...]) -> str:
    """What a protocol says of clips that only train.

    Args:
        told: of `Also`.

    Returns:
        A sentence, or "" where there are none.
    """
    if not told:
        return ""
    each = [f"{one['clips']} of {one['data']}" + (f" ({one['held_out']} held out)" if one["held_out"] else "") for one in told]
    return f"Clips that only train: {', '.join(each)}."


def also(feed: Feed, division: Division, *, bar: Bar) -> Also:
    """The clips of `split.also` that may train beside a division.

    Args:
        feed: of the corpus; reads them as it reads the corpus.
        division: of the corpus.
        bar: makes a progress bar of so many ticks.

    Returns:
        All of them but those whose file, byte for byte, or whose group is held out.

    Raises:
        RequestError: no such data.
        DataError: it has labels of its own, holds nothing that can be read, or was made from clips that are held out.
    """
    found = Also()
    for data in feed.recipe.split.also:
        found = _joined(found, _of(data, feed, division, bar))
    return found


def _of(data: str, feed: Feed, division: Division, bar: Bar) -> Also:
    corpus = open_corpus(data, least=1)
    _refuse_other_labels(corpus, feed.task, data)
    held = division.dev + division.test
    groups = {item.group for item in held} - {item.group for item in division.train} - {""}
    files = {fingerprint(path) for path in {item.path for item in held}}
    _refuse_what_heard_them(data, files, groups)
    survey = feed.survey(corpus.items, bar(f"reading {corpus.name}", len(corpus.items)))
    ours = tuple(item for item in survey.usable if item.group not in groups and fingerprint(item.path) not in files)
    if not ours:
        away = len(survey.usable)
        raise DataError(f"{data} has no clip to train with: of {len(corpus.items)}, {away} can be read, and these are held out")
    told = {
        "data": corpus.name,
        "clips": len(ours),
        "held_out": len(survey.usable) - len(ours),
        "digest": digest(ours, (), ()),
        "license": corpus.license,
    }
    return Also(ours, (told,), corpus.skipped + survey.skipped, survey.warnings)


def _joined(one: Also, other: Also) -> Also:
    return Also(one.items + other.items, one.told + other.told, one.skipped + other.skipped, one.warnings + other.warnings)


def _refuse_other_labels(corpus: Corpus, task: Task, data: str) -> None:
    unknown = sorted({label for item in corpus.items for label in item.target} - set(task.labels))
    if unknown:
        raise DataError(f"{data} has labels that are not trained on: {', '.join(unknown)}; wanted some of {', '.join(task.labels)}")
    unclear = [item for item in corpus.items if len(item.target) != 1]
    if unclear and task.kind == "single":
        raise DataError(f"{data} has {len(unclear[0].target)} labels for {unclear[0].path}; wanted one of {', '.join(task.labels)}")


def _refuse_what_heard_them(data: str, files: set[str], groups: set[str]) -> None:
    """A generator's clips tell of the recordings that it learnt from."""
    heard = heard_for(locate(data))
    what = [f"{len(files & heard.files)} files"] if files & heard.files else sorted(groups & heard.groups)
    if what:
        raise DataError(
            f"{data} was made by a generator that learnt from what is held out here: {', '.join(what)}",
            hint="make its clips by the same --recipe and --set as the training, for each fold anew",
        )
