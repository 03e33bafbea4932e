"""What there is: the catalogues, their entries, an entry's settings, a recipe's text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from auricle import backbones, catalog, pretrained, recipe, studies
from auricle.errors import RequestError
from auricle.types import Spec

_PIPED = ("frontends", "models", "heads")
_WEIGHTS = "Published weights by name, brought by `auricle download` and used by predict, export and train."


@dataclass(frozen=True, slots=True)
class Shown:
    """What `show` found, as text and as plain values.

    Args:
        lines: the text.
        values: the same for `--json`.
    """

    lines: str
    values: Any

    def text(self) -> str:
        """The text as it is printed."""
        return self.lines

    def tree(self) -> Any:
        """Plain JSON values."""
        return self.values


def show(
    kind: str | None = None,
    name: str | None = None,
    *,
    listen: Path | None = None,
    set_: tuple[str, ...] = (),
    seed: int = 0,
    out: Path | None = None,
) -> Shown:
    """The catalogues, the entries of one, or one entry with its settings.

    `auricle show recipes NAME > mine.toml` is how a recipe is customised. Reads source text only: nothing is imported, and a component
    of your own (`auricle show models ./mine.py`) is shown like any other.

    `auricle show augments NAME --listen clip.wav` does the augmentation to a sound and writes both sounds and a picture of them.

    Args:
        kind: a catalogue, such as models, recipes, studies or weights; all of them where it is left out.
        name: an entry of it, or a Python file.
        listen: a sound file to do the augmentation NAME to; needs the extra train.
        set_: with --listen: a setting of the augmentation as `key=value`, the value as TOML writes it.
        seed: with --listen: another one draws other values.
        out: with --listen: the folder that gets the files; left out, the one it is asked from.

    Returns:
        The text, and the same as plain values.

    Raises:
        RequestError: there is no such catalogue or entry, or it can't be listened to.
    """
    if listen is not None:
        return _listened(kind, name, sound=listen, settings=set_, seed=seed, out=out or Path())
    if kind is None:
        counts = {each: len(catalog.names(each)) for each in catalog.kinds()}
        counts |= {
            "recipes": len(recipe.shipped()),
            "studies": len(studies.shipped()),
            "weights": len(pretrained.names()) + len(backbones.names()),
        }
        rows = [(each, f"{counts[each]:3}  {_WEIGHTS if each == 'weights' else catalog.about(each)}") for each in sorted(counts)]
        return Shown(_table(rows), counts)
    if kind == "recipes":
        return _recipes(name)
    if kind == "studies":
        return _studies(name)
    if kind == "weights":
        return _weights(name)
    if kind == "models" and name is None:
        return _models()
    if name is None:
        rows = [(each, catalog.summary(kind, each)) for each in catalog.names(kind)]
        return Shown(_table(rows) or f"there are no {kind} yet", dict(rows))
    return _entry(kind, name)


def _listened(kind: str | None, name: str | None, *, sound: Path, settings: tuple[str, ...], seed: int, out: Path) -> Shown:
    if kind != "augments" or name is None:
        asked = " ".join(each for each in (kind, name) if each) or "everything there is"
        raise RequestError(f"one augmentation at a time can be listened to, not {asked}", hint="auricle show augments NAME --listen FILE")
    tree: dict[str, Any] = {}
    for each in settings:
        recipe.override(tree, each)
    catalog.check("augments", Spec(name, tree), where="augments")
    from auricle.verbs._heard import heard

    made = heard(name, sound, settings=tree, seed=seed)
    written = made.save(out.expanduser(), f"{sound.stem}_{Path(name).stem}")
    rows = [*made.values.items(), *(("wrote", str(path)) for path in written)]
    if made.after is None:
        rows.append(("", "it works behind the front end: there is nothing to hear afterwards"))
    return Shown(_table(rows), {"name": name, "drawn": made.values, "files": [str(path) for path in written]})


def _recipes(name: str | None) -> Shown:
    if name is not None:
        return Shown(recipe.text(name), recipe.read(name).tree())
    rows = [(each, recipe.text(each).partition("\n")[0].lstrip("# ")) for each in recipe.shipped()]
    return Shown(_table(rows) or "there are no recipes yet", dict(rows))


def _studies(name: str | None) -> Shown:
    if name is not None:
        return Shown(studies.text(name), asdict(studies.read(name)))
    rows = [(each, studies.read(each).question) for each in studies.shipped()]
    return Shown(_table(rows), dict(rows))


def _weights(name: str | None) -> Shown:
    if name in backbones.names():
        return _backbone(str(name))
    if name is not None:
        found = pretrained.about(name)
        values = {**asdict(found), "here": found.here, "folder": str(found.folder)}
        told = {
            "address": found.address,
            "checksum": found.checksums[0] if found.checksums else "none published; the names and shapes of its tensors are checked",
            "licence": found.license,
            "cite": found.citation,
            "published": f"{_figures(found.published)} on {found.condition}",
            "cache": f"{found.folder}{'' if found.here else f' (not yet; auricle download {name})'}",
            "recipe": json.dumps(found.recipe),
        }
        return Shown("\n".join([found.title, "", _table(list(told.items()))]), values)
    entries = [pretrained.about(each) for each in pretrained.names()]
    rows = [(e.name, "here" if e.here else "", f"{e.megabytes:g} MB", e.license, _figures(e.published), e.title) for e in entries]
    begun = [backbones.about(each) for each in backbones.names()]
    rows += [(e.name, "here" if e.here else "", "", e.license, "no classes", e.title) for e in begun]
    values = {e.name: {**asdict(e), "here": e.here} for e in entries} | {e.name: {**asdict(e), "here": e.here} for e in begun}
    return Shown(_table(rows), values)


def _backbone(name: str) -> Shown:
    found = backbones.about(name)
    told = {"file": found.file, "found in": found.found_in, "licence": found.license, "cite": found.citation}
    told |= {"cache": f"{found.folder}{'' if found.here else ' (not yet)'}", "to have it": found.hint, "recipe": json.dumps(found.recipe)}
    return Shown("\n".join([found.title, "", _table(list(told.items()))]), {**asdict(found), "here": found.here})


def _figures(published: dict[str, float]) -> str:
    """The first figure, by its own name."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in list(published.items())[:1])


def _models() -> Shown:
    from auricle.verbs import _networks

    found = {name: _networks.row(name) for name in catalog.names("models")}
    # A source's title is told by the entry itself; here it would make the lines long.
    lines = [(*tuple(row.values())[:-1], row["source"].partition(" (")[0]) for row in found.values()]
    values = {
        name: {**row, "summary": catalog.summary("models", name), **_networks.measures().get(name, {})} for name, row in found.items()
    }
    return Shown(_table([_networks.HEAD, *lines]), values)


def _entry(kind: str, name: str) -> Shown:
    document, settings = catalog.document(kind, name), catalog.settings(kind, name)
    explained = catalog.explained(kind, name)
    rows = [(each.name, each.annotation, _default(each, kind), explained.get(each.name, "")) for each in settings]
    parts = [document, _table(rows) if rows else "no settings"]
    needs = catalog.needs(name) if kind == "models" else ()
    if needs:
        parts.insert(1, f"front ends: {', '.join(f'[frontend.{each}]' for each in needs)}")
    values = {
        **({"needs": list(needs)} if needs else {}),
        "kind": kind,
        "name": name,
        "document": document,
        "settings": [_plain(each, explained.get(each.name, "")) for each in settings],
    }
    return Shown("\n\n".join(parts), values)


def _default(setting: catalog.Setting, kind: str) -> str:
    if setting.default is not catalog.REQUIRED:
        return repr(setting.default)
    return "from the pipe" if setting.positional and kind in _PIPED else "required"


def _plain(setting: catalog.Setting, meaning: str) -> dict[str, object]:
    default = {} if setting.default is catalog.REQUIRED else {"default": setting.default}
    return {"name": setting.name, "type": setting.annotation, **default, "meaning": meaning}


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns as wide as their widest cell; the last one as it is."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
