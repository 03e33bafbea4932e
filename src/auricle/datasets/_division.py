"""Which clips train, which choose, which judge: groups stay whole, and a digest names the result.

Every class trains where that is possible. Groups are assigned largest first, each to the held-out part if that brings the part's class
counts closer to their share (the rule of stratified group cross-validation); equals are ordered by a hash of seed and name, so that the
result is the same on every machine.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from auricle.catalog import nearest
from auricle.datasets._files import natural
from auricle.errors import DataError, RequestError
from auricle.settings import Split
from auricle.types import Item

Rule = Literal["official", "fold", "group", "random"]


@dataclass(frozen=True, slots=True)
class Division:
    """The three parts of a corpus, none of which share a clip.

    Args:
        train: clips that fit the weights.
        dev: clips that stop early and calibrate; may be empty.
        test: clips that judge.
        protocol: sentences for a person: the rule, who judges, and every weakness of it.
        digest: 12 hex digits of a hash over each clip's path, stretch and part.
        rule: what "auto" became.
        judge: name of the fold or group that judges, or "".
    """

    train: tuple[Item, ...]
    dev: tuple[Item, ...]
    test: tuple[Item, ...]
    protocol: str
    digest: str
    rule: Rule = "random"
    judge: str = ""


def divide(items: Iterable[Item], split: Split, *, seed: int) -> Division:
    """The clips divided by a recipe's rule.

    Args:
        items: clips of one corpus.
        split: the rule and its shares.
        seed: decides every draw.

    Returns:
        the three parts, and what to say about them.

    Raises:
        RequestError: the corpus has no such fold or group.
        DataError: the corpus does not allow the rule, or a part would be empty.
    """
    clips = tuple(items)
    rule = resolve(clips, split.rule)
    judge = ""
    if rule == "official":
        rest, dev, test = _official(clips)
    elif rule == "random":
        test = _draw(clips, split.test_fraction, seed, "test")
        rest, dev = _without(clips, test), ()
    else:
        names = folds(clips, rule)
        judge = split.test or names[-1]
        if judge not in names:
            raise RequestError(f"split.test is {judge!r}, which is not a {rule} of this corpus{nearest(judge, list(names))}")
        test = tuple(c for c in clips if (c.fold if rule == "fold" else c.group) == judge)
        rest, dev = _without(clips, test), ()
    if not rest or not test:
        raise DataError(f"the {rule} rule leaves no clip to {'test' if rest else 'train'} out of {len(clips)}; wanted more clips or groups")
    notes = _notes(clips, rest, test)
    dev, note = _development(rest, dev, test, split, seed)
    train = _without(rest, dev)
    protocol = " ".join([_headline(rule, judge, train, dev, test), *notes, *([note] if note else []), *_gaps(train, test)])
    return Division(train, dev, test, protocol, digest(train, dev, test), rule, judge)


def resolve(items: Iterable[Item], rule: str) -> Rule:
    """The rule that will be used: "auto" becomes the first of official, fold, random that the clips allow.

    Args:
        items: clips of one corpus.
        rule: of a recipe.

    Returns:
        the rule.

    Raises:
        DataError: the clips do not allow the rule; the sentence says which they do.
    """
    clips = tuple(items)
    if not clips:
        raise DataError("there are no clips to divide; wanted at least two")
    splits, named, groups = {c.split for c in clips}, {c.fold for c in clips}, {c.group for c in clips}
    official = "train" in splits and bool(splits & {"dev", "test"}) and "" not in splits
    allowed: dict[str, bool] = {
        "official": official,
        "fold": len(named - {""}) > 1 and "" not in named,
        "group": len(groups - {""}) > 1,
        "random": len({group_of(c) for c in clips}) > 1,
    }
    order: tuple[Rule, ...] = ("official", "fold", "random", "group")
    if rule == "auto":
        for each in order[:3]:
            if allowed[each]:
                return each
        raise DataError(f"all {len(clips)} clips belong to one group, {group_of(clips[0])!r}; wanted at least two groups to divide")
    for each in order:
        if each == rule:
            if not allowed[each]:
                raise DataError(f"these clips have no {_WANTED[each]}; they can be divided by {_listed(allowed)}")
            return each
    raise RequestError(f"split.rule is {rule!r}; wanted auto, {', '.join(order)}")


def folds(items: Iterable[Item], rule: str) -> tuple[str, ...]:
    """Names of the folds or groups that judge in turn when every clip is judged once, in natural order.

    Args:
        items: clips of one corpus.
        rule: "fold" or "group"; "auto" and the others take folds where there are some, else groups.

    Returns:
        at least two names.

    Raises:
        DataError: there are fewer than two.
    """
    clips = tuple(items)
    use = fold_rule(clips, rule)
    return tuple(sorted({c.fold if use == "fold" else c.group for c in clips} - {""}, key=natural))


def fold_rule(items: Iterable[Item], rule: str) -> Literal["fold", "group"]:
    """The rule that the names of `folds` are for.

    Args:
        items: clips of one corpus.
        rule: as in `folds`.

    Returns:
        the rule to divide by.

    Raises:
        DataError: neither two folds nor two groups.
    """
    clips = tuple(items)
    if rule != "group" and len({c.fold for c in clips} - {""}) > 1:
        return "fold"
    if rule != "fold" and len({c.group for c in clips} - {""}) > 1:
        return "group"
    wanted = {"fold": "folds", "group": "groups"}.get(rule, "folds or groups")
    raise DataError(f"these {len(clips)} clips do not name two {wanted}, so they cannot judge in turn")


def group_of(item: Item) -> str:
    """What must not be separated from this clip: its group, or its file where it has none.

    Args:
        item: the clip.

    Returns:
        the group's name, or the file's path.
    """
    return item.group or item.path.as_posix()


_WANTED = {
    "official": "official split that names train and test for each of them",
    "fold": "two official folds",
    "group": "two groups",
    "random": "two groups",
}


def _listed(allowed: dict[str, bool]) -> str:
    return ", ".join(name for name, can in allowed.items() if can) or "no rule at all"


def _official(clips: tuple[Item, ...]) -> tuple[tuple[Item, ...], tuple[Item, ...], tuple[Item, ...]]:
    parts = {name: tuple(c for c in clips if c.split == name) for name in ("train", "dev", "test")}
    if not parts["test"]:
        return parts["train"], (), parts["dev"]
    return parts["train"] + parts["dev"], parts["dev"], parts["test"]


def _development(
    rest: tuple[Item, ...], official: tuple[Item, ...], test: tuple[Item, ...], split: Split, seed: int
) -> tuple[tuple[Item, ...], str]:
    """The development part, out of what does not judge, and a sentence where it is not what one would think."""
    if split.dev_fraction <= 0:
        return (), "No development part: the official one trains." if official else ""
    if official:
        return official, "The official development part chooses."
    shared = {c.group for c in test if c.group} & {c.group for c in rest}
    # Where the judges' groups are heard in training anyway, taking a whole group out of training would measure another task.
    whole = not shared
    names = {group_of(c) if whole else c.path.as_posix() for c in rest}
    if len(names) < 3:
        return (), f"No development part: only {len(names)} group{'s' * (len(names) > 1)} to train on."
    dev = _draw(rest, split.dev_fraction, seed, "dev", whole=whole)
    return dev, "" if whole else "The development part is drawn by file, since the test part shares its groups too."


def _draw(clips: tuple[Item, ...], fraction: float, seed: int, part: str, *, whole: bool = True) -> tuple[Item, ...]:
    """A held-out part of about `fraction` of each class, at least one group, leaving each class a group to train on where it has two."""
    members: dict[str, list[Item]] = defaultdict(list)
    for clip in clips:
        members[group_of(clip) if whole else clip.path.as_posix()].append(clip)
    # Paths are hashed below their common folder, so that the same corpus in another place is divided in the same way.
    base = _base(clips)
    names = {g: g if whole and m[0].group else _below(m[0], base) for g, m in members.items()}
    order = sorted(members, key=lambda g: (-len(members[g]), _hash(f"{part} {seed} {names[g]}"), names[g]))
    counts = {g: Counter(label for c in members[g] for label in (c.target[: 1 if c.votes else None] or ("",))) for g in members}
    total = sum(counts.values(), Counter[str]())
    held: Counter[str] = Counter()
    chosen: set[str] = set()
    best, cost = "", float("inf")
    for group in order:
        gain = sum(n * (n + 2 * (held[k] - fraction * total[k])) / total[k] for k, n in counts[group].items())
        spared = all(total[k] - held[k] > n for k, n in counts[group].items())
        if not spared:
            continue
        if not chosen and gain < cost:
            best, cost = group, gain
        if gain < 0 and len(chosen) < len(members) - 1:
            chosen.add(group)
            held += counts[group]
    if not chosen:
        chosen = {best or order[-1]}
    return tuple(c for c in clips if (group_of(c) if whole else c.path.as_posix()) in chosen)


def _notes(clips: tuple[Item, ...], rest: tuple[Item, ...], test: tuple[Item, ...]) -> list[str]:
    notes: list[str] = []
    straddling = sorted({c.group for c in test if c.group} & {c.group for c in rest}, key=natural)
    if straddling:
        named = ", ".join(straddling[:6]) + (", …" if len(straddling) > 6 else "")
        notes.append(f"This rule puts {len(straddling)} groups on both sides ({named}): the number says nothing about a new one.")
    lone = sum(not c.group for c in clips)
    if lone == len(clips):
        notes.append(
            "No groups are known, so every file is its own group: if one speaker or recording made several files, the number flatters."
        )
    elif lone:
        notes.append(f"{lone} clips have no group and are each their own.")
    return notes


def _gaps(train: tuple[Item, ...], test: tuple[Item, ...]) -> list[str]:
    trained, judged = ({label for c in part for label in c.target} for part in (train, test))
    gaps = []
    if judged - trained:
        gaps.append(f"Not in training: {', '.join(sorted(judged - trained))}.")
    if trained - judged:
        gaps.append(f"Not in the test: {', '.join(sorted(trained - judged))}.")
    return gaps


def _headline(rule: Rule, judge: str, train: tuple[Item, ...], dev: tuple[Item, ...], test: tuple[Item, ...]) -> str:
    what = {
        "official": "Official split",
        "fold": f"Fold {judge} judges",
        "group": f"Group {judge} judges, unheard in training",
        "random": "Stratified draw, groups whole",
    }[rule]
    if rule == "official" and all(c.split == "dev" for c in test):
        what = "Official split, whose development part judges since it has no test part"
    return f"{what}: {len(train)} clips train, {len(dev)} choose, {len(test)} judge."


def _without(clips: tuple[Item, ...], taken: tuple[Item, ...]) -> tuple[Item, ...]:
    gone = {id(c) for c in taken}
    return tuple(c for c in clips if id(c) not in gone)


def _base(clips: tuple[Item, ...]) -> str:
    return os.path.commonpath({str(c.path.parent.absolute()) for c in clips})


def _below(clip: Item, base: str) -> str:
    return str(clip.path.absolute())[len(base) :].lstrip(os.sep).replace(os.sep, "/")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def digest(train: tuple[Item, ...], dev: tuple[Item, ...], test: tuple[Item, ...]) -> str:
    """The name of a division: the same clips in the same parts, wherever they lie.

    Args:
        train: clips that fit the weights.
        dev: clips that choose.
        test: clips that judge.

    Returns:
        12 hex digits.
    """
    base = _base(train + dev + test)
    lines = sorted(
        f"{_below(c, base)}\t{c.start!r}\t{c.stop!r}\t{part}"
        for part, clips in (("train", train), ("dev", dev), ("test", test))
        for c in clips
    )
    return _hash("\n".join(lines))[:12]
