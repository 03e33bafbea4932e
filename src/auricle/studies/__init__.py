"""Comparative studies as data: a question, the corpora, one protocol for all rows, and what each row trains.

A study is a TOML file beside this one, or anybody's own. `set` are settings that all rows share, a row's `set` what makes it that row;
both are written as `--set` takes them. The protocol (which clips judge, how the weights to judge are chosen, the seed) is the study's
alone: a row that touches it is refused, so that nothing but what a row is about can make the difference.
"""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec

from auricle.catalog import nearest
from auricle.errors import RequestError

# What no row decides: the clips, who judges, which weights judge, chance, and a probe's own search for its setting.
_PROTOCOL = ("data", "seed", "split", "train.patience", "train.ema", "train.swa", "train.time", "transfer.probe", "transfer.probe_above")


@dataclass(frozen=True, slots=True)
class Protocol:
    """What all rows share.

    Args:
        rule: who judges in turn: each official "fold", each "group", or "auto", folds where the corpus has some, else groups.
        dev_fraction: share of the training groups that stop early and calibrate; 0 trains to the last epoch.
        patience: epochs without improvement of the development loss before stopping; 0 keeps the last epoch.
        ema: decay of the averaged weights that judge; 0 takes the last weights.
        swa: share of the training after which the weights of all epochs are averaged evenly; 0 never.
    """

    rule: Literal["auto", "fold", "group"] = "auto"
    dev_fraction: float = 0.0
    patience: int = 0
    ema: float = 0.0
    swa: float = 0.0

    def settings(self, seed: int) -> tuple[str, ...]:
        """The same as settings of a recipe.

        Args:
            seed: of the run.

        Returns:
            `section.key=value` each; whatever a row's recipe says of them is overridden.
        """
        return (
            'data.name="folder"',  # lets the data tell what they are
            f"seed={seed}",
            f'split.rule="{self.rule}"',
            'split.test=""',
            "split.also=[]",
            f"split.dev_fraction={self.dev_fraction}",
            f"train.patience={self.patience}",
            f"train.ema={self.ema}",
            f"train.swa={self.swa}",
            'train.time=""',
            'transfer.probe=""',
            "transfer.probe_above=0.0",
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Args:
        name: as it is printed.
        recipe: a shipped recipe's name or a file; "" takes the study's.
        set: settings that make this row, `section.key=value` each.
        teacher: name of a row above, whose bundle of the same fold and seed teaches this one; its loss is then one that distils.
    """

    name: str
    recipe: str = ""
    set: tuple[str, ...] = ()
    teacher: str = ""

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return "".join(c if c.isalnum() else "_" for c in self.name)


@dataclass(frozen=True, slots=True)
class Study:
    """A question, and the rows that answer it.

    Args:
        title: of the table.
        question: in one sentence.
        corpora: names, folders or tables.
        row: the rows; the first is the one that others are compared with.
        seeds: how many, from 0 on.
        recipe: a shipped recipe's name or a file.
        set: settings that all rows share.
        protocol: what no row may change.
        name: of the study.
    """

    title: str
    question: str
    corpora: tuple[str, ...]
    row: tuple[Row, ...]
    seeds: int = 3
    recipe: str = "default"
    set: tuple[str, ...] = ()
    protocol: Protocol = Protocol()
    name: str = ""

    def picked(self, names: str) -> Study:
        """The study with some of its rows, and with the rows that teach them.

        Args:
            names: with commas between; "" takes all.

        Returns:
            The rows in the study's own order.

        Raises:
            RequestError: there is no such row.
        """
        if not names:
            return self
        known = {row.name: row for row in self.row}
        wanted = {name.strip() for name in names.split(",") if name.strip()}
        for name in sorted(wanted - known.keys()):
            raise RequestError(f"{name!r} is not a row of {self.name}{nearest(name, list(known))}")
        wanted |= {known[name].teacher for name in wanted}
        return dataclasses.replace(self, row=tuple(row for row in self.row if row.name in wanted))

    def settings(self, row: Row, seed: int, more: tuple[str, ...] = ()) -> tuple[str, ...]:
        """All overrides of one run, the protocol's last.

        Args:
            row: one of the study's.
            seed: of the run.
            more: for all rows alike.

        Returns:
            `section.key=value` each.

        Raises:
            RequestError: a setting that belongs to the protocol.
        """
        for each in more:
            _refuse_protocol(each, f"--set {each}", self.name)
        return (*self.set, *row.set, *more, *self.protocol.settings(seed))


def shipped() -> list[str]:
    """Names of the studies that come with auricle."""
    return sorted(p.name.removesuffix(".toml") for p in files("auricle.studies").iterdir() if p.name.endswith(".toml"))


def text(name: str) -> str:
    """The TOML text of a shipped study.

    Args:
        name: the study's.

    Returns:
        Its text as it stands in the file.

    Raises:
        RequestError: there is no such study.
    """
    if name not in shipped():
        raise RequestError(f"{name!r} is not a shipped study{nearest(name, shipped())}")
    return (files("auricle.studies") / f"{name}.toml").read_text(encoding="utf-8")


def read(study: str | Path) -> Study:
    """A study from a shipped name or a TOML file.

    Args:
        study: name or path; recipes that a file names may stand beside it.

    Returns:
        The study, checked but for what its recipes say.

    Raises:
        RequestError: no such study; bad TOML; an unknown key (with the nearest legal one); a value of the wrong type; rows that touch the
            protocol, bear the same name, or are taught by one that doesn't stand above.
    """
    path = Path(study).expanduser()
    if path.suffix == ".toml" and not path.is_file():
        raise RequestError(f"{path} is not a file")
    body = path.read_text(encoding="utf-8") if path.is_file() else text(str(study))
    try:
        tree = tomllib.loads(body)
    except tomllib.TOMLDecodeError as wrong:
        raise RequestError(f"{study} is not a study that can be read: {wrong}") from wrong
    name = path.stem if path.is_file() else str(study)
    found = _parsed(tree, name)
    _refuse_odd_rows(found)
    return _beside(found, path.parent) if path.is_file() else found


def _parsed(tree: dict[str, Any], name: str) -> Study:
    _refuse_unknown(tree, Study, name)
    if isinstance(tree.get("protocol"), dict):
        _refuse_unknown(tree["protocol"], Protocol, f"{name}.protocol")
    for number, row in enumerate(tree["row"] if isinstance(tree.get("row"), list) else (), start=1):
        if isinstance(row, dict):
            _refuse_unknown(row, Row, f"{name}.row {number}")
    try:
        return msgspec.convert({**tree, "name": name}, Study, strict=True)
    except msgspec.ValidationError as wrong:
        said, _, where = str(wrong).partition(" - at ")
        raise RequestError(f"study {name}: {where.strip('`$.') or 'the file'} is wrong: {said}") from wrong


def _refuse_unknown(section: dict[str, Any], kind: Any, where: str) -> None:
    legal = [field.name for field in dataclasses.fields(kind) if (kind, field.name) != (Study, "name")]
    for key in section:
        if key not in legal:
            raise RequestError(f"study {where}.{key} is not a setting{nearest(key, legal)}")


def _refuse_odd_rows(study: Study) -> None:
    if not study.row or not study.corpora or study.seeds < 1:
        raise RequestError(
            f"study {study.name} has {len(study.row)} rows, {len(study.corpora)} corpora and {study.seeds} seeds; wanted some of each"
        )
    above: list[str] = []
    for each in study.set:
        _refuse_protocol(each, f"set {each}", study.name)
    for row in study.row:
        for each in row.set:
            _refuse_protocol(each, f"row {row.name!r} sets {each}", study.name)
        if row.teacher and row.teacher not in above:
            raise RequestError(f"study {study.name}: row {row.name!r} is taught by {row.teacher!r}, which is no row above it")
        if "," in row.name or row.folder in {name.folder for name in study.row[: len(above)]}:
            raise RequestError(f"study {study.name}: row {row.name!r} is not a name of its own, without commas")
        above.append(row.name)


def _refuse_protocol(setting: str, said: str, study: str) -> None:
    key = setting.partition("=")[0].strip()
    for part in _PROTOCOL:
        if key == part or key.startswith(f"{part}.") or part.startswith(f"{key}."):
            raise RequestError(f"study {study}: {said}, which is the protocol's; all rows are under one", hint=f"[protocol] decides {part}")


def _beside(study: Study, folder: Path) -> Study:
    """Recipes named by a path below the study's own folder."""

    def found(recipe: str) -> str:
        return str(folder / recipe) if recipe.endswith((".toml", ".json")) and (folder / recipe).is_file() else recipe

    rows = tuple(dataclasses.replace(row, recipe=found(row.recipe)) for row in study.row)
    return dataclasses.replace(study, recipe=found(study.recipe), row=rows)
