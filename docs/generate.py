"""Writes docs/reference from the code: commands from their help, catalogues from their files, recipe keys from their dataclasses.

`make docs` runs it; a house test fails when what is written differs from what the code says.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from pathlib import Path

import click

from auricle import catalog, cli, recipe, settings
from auricle.verbs import _networks

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by `make docs` from the code; edits here are lost. -->"
NETWORKS = (
    "Measured on the networks themselves (`docs/networks.py`), each with its usual front end and, where weights are published, with their "
    "settings: parameters and products of the model without its head; what one step hears, found by perturbation. Published figures are "
    "their authors', under the condition that is named; none of them was measured here."
)
OWN_PAGES = {"verbs", "contracts"}  # the verbs are the commands; a battery is described where it is used


def pages() -> dict[str, str]:
    """File name in docs/reference and text of every page."""
    made = {"commands.md": commands(), "recipe.md": recipe_keys()}
    for kind in catalog.kinds():
        if kind not in OWN_PAGES and catalog.names(kind):
            made[f"{kind}.md"] = entries(kind)
    return {name: f"{NOTE}\n\n{text.rstrip()}\n" for name, text in sorted(made.items())}


def commands() -> str:
    """The help of `auricle` and of each of its commands."""
    parts = ["# Commands"]
    whole = cli.group()
    above = click.Context(whole, info_name="auricle", terminal_width=100, max_content_width=100, help_option_names=["-h", "--help"])
    with above:
        parts.append(fenced(whole.get_help(above)))
    for name in catalog.names("verbs"):
        command = cli.command(name)
        with click.Context(command, info_name=name, parent=above, terminal_width=100, max_content_width=100) as ctx:
            parts += [f"## auricle {name}", catalog.document("verbs", name), fenced(command.get_help(ctx))]
    parts.append(
        "Exit codes: 0 done; 1 the work failed; 2 the request was wrong; 3 done, but some files were skipped (listed with reasons on "
        "stderr); 130 interrupted."
    )
    return "\n\n".join(parts)


def entries(kind: str) -> str:
    """One row an entry, then each entry's docstring and settings."""
    names = catalog.names(kind)
    rows = [(f"[`{name}`](#{name})", catalog.summary(kind, name)) for name in names]
    parts = [f"# {kind.capitalize()}", catalog.overview(kind), table(("name", "what it is"), rows)]
    if kind == "models":
        parts += [NETWORKS, table(_networks.HEAD, [tuple(_networks.row(name).values()) for name in names])]
    for name in names:
        parts += [f"## {name}", catalog.document(kind, name)]
        explained = catalog.explained(kind, name)
        settings = [s for s in catalog.settings(kind, name) if s.default is not catalog.REQUIRED]
        rows = [(f"`{s.name}`", f"`{s.annotation}`", f"`{s.default!r}`", explained.get(s.name, "")) for s in settings]
        if rows:
            parts.append(table(("setting", "type", "default", "meaning"), rows))
    return "\n\n".join(parts)


def recipe_keys() -> str:
    """The keys of a recipe outside of its stages."""
    parts = ["# Recipe", inspect.getdoc(recipe) or ""]
    parts.append(
        "A stage (`data`, `frontend`, `model`, `head`, `loss`, `decider`, and each of `augment`) takes `name` and that entry's settings. "
        "A model that needs several front ends takes a section of each, such as `[frontend.picture]` and `[frontend.mfcc]`."
    )
    sections = {
        "Top": recipe.Recipe,
        **{f"[{each.__name__.lower()}]": each for each in (settings.Feed, settings.Split, settings.Transfer, settings.Train)},
    }
    for title, kind in sections.items():
        parts += [f"## {title}", table(("key", "type", "default", "meaning"), keys(kind))]
    return "\n\n".join(parts)


def keys(kind: type) -> list[tuple[str, ...]]:
    """Name, type, default and meaning of a dataclass's fields."""
    explained = catalog.arguments(inspect.getdoc(kind) or "")
    hints, bounded = typing.get_type_hints(kind), typing.get_type_hints(kind, include_extras=True)
    rows = []
    for field in dataclasses.fields(kind):
        default = field.default if field.default is not dataclasses.MISSING else None
        shown = "" if default is None else default.name if hasattr(default, "name") else repr(default)
        hint = hints[field.name]
        name = str(hint).replace("typing.", "").replace("auricle.types.", "") if typing.get_args(hint) else hint.__name__
        limits = settings.bounds(bounded[field.name])
        kind_of = f"`{name}`, {limits}" if limits else f"`{name}`"
        rows.append((f"`{field.name}`", kind_of, f"`{shown}`" if shown else "", explained.get(field.name, "")))
    return rows


def table(head: tuple[str, ...], rows: typing.Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines)


def fenced(text: str) -> str:
    """Text as it is."""
    rows = "\n".join(row.rstrip() for row in text.splitlines())
    return f"```text\n{rows}\n```"


def main() -> None:
    """Writes every page, and removes pages of catalogues that are gone."""
    REFERENCE.mkdir(exist_ok=True)
    made = pages()
    for old in REFERENCE.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (REFERENCE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
